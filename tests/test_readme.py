"""What the README tells people to type works."""

from __future__ import annotations

import re
import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from partpool.synthetic.people import draw_person

README = Path(__file__).parents[1] / "README.md"


def section(title: str) -> str:
    return README.read_text("utf-8").split(f"\n## {title}\n")[1].split("\n## ")[0]


def test_paste_parts_into_your_data_set(
    pool: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch", reason="PyTorch is not installed")
    (code,) = re.findall(r"```python\n(.*?)```", section("Paste parts into your data set"), re.DOTALL)
    (tmp_path / "partpool-demo").mkdir()
    shutil.copy(pool, tmp_path / "partpool-demo" / "pool.h5")
    monkeypatch.chdir(tmp_path)
    person = draw_person(np.random.default_rng(0), "whole")
    names: dict[str, Any] = {"base": [(person.image, person.keypoints * [1, 1, 2])] * 8}
    with warnings.catch_warnings():
        # The pool of the tests is smaller still than the demo's.
        warnings.filterwarnings("ignore", "classes with fewer than 1 parts")
        exec(compile(code, str(README), "exec"), names)
    assert "'samples': 8, 'touched': 8, 'pastes': 8" in capsys.readouterr().out
    assert names["images"].shape == (4, *person.image.shape)
    assert names["keypoints"].shape == (4, *person.keypoints.shape)
    assert names["train"].stats()["covered"] > 0
