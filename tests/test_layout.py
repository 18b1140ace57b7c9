"""The house stands as ``docs/architecture.md`` draws it: floors, rooms, mirrored tests, and the public names.

``tests/api_surface.json`` lists the public names of both packages, and the parameters of those that are called. Whoever
removes or renames one breaks other programs, and has to say so there: ``python -m tests.test_layout`` writes the list
anew.
"""

from __future__ import annotations

import ast
import inspect
import json
import sys
from functools import cache
from graphlib import TopologicalSorter
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SURFACE = ROOT / "tests" / "api_surface.json"
PACKAGES = ("partpool", "asda_aug")
FLOORS = {
    1: ("partpool.errors", "partpool._version", "partpool.jpeg", "asda_aug.batch", "asda_aug.placement"),
    2: ("partpool.taxonomy", "asda_aug.errors", "asda_aug.ranges"),
    3: ("partpool.pool", "partpool.segment", "partpool.sources", "partpool.synthetic", "asda_aug.scene"),
    4: ("partpool.filters", "asda_aug.adapters", "asda_aug.pasting", "asda_aug.sampling"),
    5: ("partpool.cutting", "asda_aug.adversarial", "asda_aug.occluders"),
    6: ("partpool.building", "partpool.verify", "asda_aug.dataset", "asda_aug.integrations"),
}
"""A package imports only from lower floors."""
FLOOR_OF = {package: floor for floor, packages in FLOORS.items() for package in packages}
READER_SIDE = {"partpool.errors", "partpool.pool", "partpool.taxonomy"}
"""What asda_aug may know of partpool."""
TERMINAL = {"typer", "click", "rich", "cli", "partpool_cli"}
FORBIDDEN = {"partpool": TERMINAL | {"torch", "torchvision", "asda_aug"}, "asda_aug": TERMINAL}
OF_THE_COMMANDS = {"cli", "partpool", "asda_aug", "typer", "rich", "numpy", "PIL"}
SPEAKING = {"partpool/__init__.py", "asda_aug/__init__.py", "partpool/sources/__init__.py"}
"""The packages that offer names of their own."""
MAX_LINES = {".py": 300, ".c": 400, ".h": 400}
UNTESTED = {"partpool/_version.py": "a single constant"}
"""Modules without a test file of their name, and why."""
WITHOUT_MODULE = {
    "asda_aug/adversarial/test_distributed.py": "several processes",
    "asda_aug/batch/test_agreement.py": "compose and paste side by side",
    "asda_aug/integrations/test_mmpose_itself.py": "MMPose as it is installed",
    "asda_aug/integrations/test_torchvision.py": "torchvision as it is installed",
    "asda_aug/pasting/test_draw.py": "tests _draw.c",
    "cli/test_build_trouble.py": "full disks, closed folders and killed processes",
}
"""Test files without a module of their name, and what they are about."""


def files(folder: str, *endings: str) -> list[Path]:
    return sorted(path for path in (ROOT / folder).rglob("*") if path.suffix in (endings or (".py",)))


def here(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def package_of(path: Path, level: int) -> str:
    """What stands before the name of a relative import of that level, in a file; nothing where it is not relative."""
    return "".join(f"{part}." for part in path.relative_to(ROOT).parts[:-level]) if level else ""


@cache
def imported(path: Path) -> set[str]:
    """Dotted names that a file imports anywhere, for type checkers too."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names.update(f"{package_of(path, node.level)}{node.module or ''}.{alias.name}" for alias in node.names)
    return names


def inside(name: str) -> str:
    """The module that a dotted name is in; empty if it is none of these packages'."""
    while name and name not in MODULES:
        name = name.rpartition(".")[0]
    return name


def top(name: str) -> str:
    return name.partition(".")[0]


def room_of(name: str) -> str:
    return ".".join(name.split(".")[:2])


INSIDE = [
    path for package in PACKAGES for path in files(package) if path.parent != ROOT / package or "__" not in path.name
]
MODULES = {module_of(path): path for path in INSIDE}


def test_the_floors_hold_every_room() -> None:
    assert {room_of(module) for module in MODULES} == set(FLOOR_OF)


@pytest.mark.parametrize("room", FLOOR_OF)
def test_a_room_imports_only_from_lower_floors(room: str) -> None:
    """The packages' own names, ``from partpool import …``, stand on no floor: they are for those outside."""
    for module, path in MODULES.items():
        if room_of(module) != room:
            continue
        for name in sorted(imported(path)):
            other = room_of(name)
            if top(name) in PACKAGES and other != room:
                assert FLOOR_OF.get(other, 99) < FLOOR_OF[room], f"{here(path)} imports {name}"
                assert top(name) == top(room) or other in READER_SIDE, f"{here(path)} imports {name}"


def test_modules_import_in_no_circle() -> None:
    graph = {module: {inside(name) for name in imported(path)} - {""} for module, path in MODULES.items()}
    assert len(list(TopologicalSorter(graph).static_order())) == len(MODULES)


@pytest.mark.parametrize("package", PACKAGES)
def test_what_stands_above_is_not_imported(package: str) -> None:
    for path in files(package):
        assert not {top(name) for name in imported(path)} & FORBIDDEN[package], here(path)


def test_the_commands_import_few_others() -> None:
    for path in files("cli"):
        assert {top(name) for name in imported(path)} - sys.stdlib_module_names <= OF_THE_COMMANDS, here(path)


def test_packages_hold_a_docstring_only() -> None:
    for path in INSIDE:
        if path.name == "__init__.py" and here(path) not in SPEAKING:
            tree = ast.parse(path.read_text("utf-8"))
            assert ast.get_docstring(tree), here(path)
            assert len(tree.body) == 1, here(path)


@pytest.mark.parametrize("folder", [*PACKAGES, "cli", "benchmarks", "examples"])
def test_files_are_short(folder: str) -> None:
    lengths = {here(path): len(path.read_text("utf-8").splitlines()) for path in files(folder, *MAX_LINES)}
    assert {name: count for name, count in lengths.items() if count > MAX_LINES[Path(name).suffix]} == {}


@pytest.mark.parametrize("package", [*PACKAGES, "cli"])
def test_tests_mirror_the_tree(package: str) -> None:
    modules = {here(path) for path in files(package) if path.name != "__init__.py"}
    wanted = {f"tests/{name.rpartition('/')[0]}/test_{Path(name).stem.strip('_')}.py" for name in modules - {*UNTESTED}}
    present = {here(path) for path in files(f"tests/{package}") if path.name.startswith("test_")}
    assert sorted(wanted - present) == []
    assert sorted(present - wanted - {f"tests/{name}" for name in WITHOUT_MODULE}) == []


def test_exceptions_are_needed() -> None:
    assert all((ROOT / name).exists() for name in (*UNTESTED, *SPEAKING, *(f"tests/{name}" for name in WITHOUT_MODULE)))


def surface(package: str) -> dict[str, list[str] | None]:
    """Public names of a package, with the parameters of what is called."""
    module = import_module(package)
    public = {name: getattr(module, name) for name in sorted(module.__all__)}
    return {
        name: list(inspect.signature(value).parameters) if callable(value) else None for name, value in public.items()
    }


@pytest.mark.parametrize("package", PACKAGES)
def test_public_names(package: str) -> None:
    if package == "asda_aug":
        pytest.importorskip("torch", reason="PyTorch is not installed")
    module, listed = import_module(package), json.loads(SURFACE.read_text("utf-8"))[package]
    assert surface(package) == listed
    assert sorted(module.__all__) == sorted(dir(module)) == sorted(listed)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        module.nothing  # noqa: B018


if __name__ == "__main__":
    SURFACE.write_text(json.dumps({package: surface(package) for package in PACKAGES}, indent=2) + "\n", "utf-8")
