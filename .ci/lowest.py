"""Prints constraints that pin every dependency in pyproject.toml to the lowest release that it allows."""

from __future__ import annotations

import re
from pathlib import Path

try:
    import tomllib
except ModuleNotFoundError:
    from pip._vendor import tomli as tomllib

project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8"))["project"]
extras = project["optional-dependencies"]
for requirement in (*project["dependencies"], *extras["torch"], *extras["dask"]):
    bound = re.fullmatch(r"([\w-]+)(\[[\w,]+\])?>=([\d.]+)(;.*)?", requirement)
    assert bound, f"{requirement!r} in pyproject.toml has no lowest version that this can read"
    print(f"{bound[1]}=={bound[3]}.*")
