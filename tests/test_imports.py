"""Who may import whom, and which names are public.

partpool is the offline side: it must import where there is no torch and no terminal library. The command line stands
on top of it. Removing a public name breaks other programs, so the list is written down here.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import partpool

ROOT = Path(__file__).parents[1]
MODULES = sorted((ROOT / "partpool").rglob("*.py"))
COMMANDS = sorted((ROOT / "cli").rglob("*.py"))
TOO_HIGH = {"torch", "torchvision", "typer", "click", "rich", "asda_aug", "partpool_cli", "cli"}
PUBLIC = {
    "ASDA26", "EXTENDED", "LIP", "BuildReport", "FilterConfig", "Item", "LabelScheme", "Part", "PartClass", "PartPool",
    "Taxonomy", "__version__", "build", "find_lip", "find_pairs", "load_taxonomy",
}  # fmt: skip


def imported(path: Path) -> Iterator[str]:
    """Top-level packages that a file imports anywhere, for type checkers too; relative imports are its own."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield str(node.module).partition(".")[0]


def loaded_by(code: str) -> set[str]:
    script = f"import json, sys\n{code}\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    return set(json.loads(done.stdout))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_partpool_stands_below(path: Path) -> None:
    assert not set(imported(path)) & TOO_HIGH


def test_all_of_partpool_loads_without_what_stands_above() -> None:
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in MODULES if path.stem != "__init__"]
    loaded = loaded_by("\n".join(f"import {name}" for name in names))
    assert set(names) <= loaded
    assert not loaded & TOO_HIGH


@pytest.mark.parametrize("path", COMMANDS, ids=lambda path: path.stem)
def test_the_command_line_imports_partpool_and_typers_own_names(path: Path) -> None:
    third_party = set(imported(path)) - sys.stdlib_module_names
    assert third_party <= {"partpool", "typer", "rich", "numpy"}


def test_importing_partpool_costs_nothing() -> None:
    assert not loaded_by("import partpool") & {"numpy", "cv2", "h5py", "PIL"}


def test_public_names() -> None:
    assert set(partpool.__all__) == PUBLIC
    assert len(partpool.__all__) == len(PUBLIC)
    assert set(dir(partpool)) == PUBLIC
    for name in PUBLIC:
        assert getattr(partpool, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        partpool.nothing  # noqa: B018
