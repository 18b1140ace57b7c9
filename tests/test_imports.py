"""Who may import whom, and which names are public.

partpool is the offline side: it must import where there is no torch and no terminal library. asda_aug stands on its
reader and taxonomy, and needs torch only where tensors are its business. The command line stands on top of both.
Removing a public name breaks other programs, so the lists are written down here.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import asda_aug
import partpool

ROOT = Path(__file__).parents[1]
MODULES = sorted((ROOT / "partpool").rglob("*.py"))
AUGMENTATIONS = sorted((ROOT / "asda_aug").rglob("*.py"))
COMMANDS = sorted((ROOT / "cli").rglob("*.py"))
TOO_HIGH = {"torch", "torchvision", "typer", "click", "rich", "asda_aug", "partpool_cli", "cli"}
READER_SIDE = {"errors", "pool", "taxonomy"}
"""What asda_aug may know of partpool."""
LIGHT = (
    "adapters.auto",
    "occluders.cutout",
    "occluders.occluder",
    "occluders.paste_parts",
    "occluders.preview",
    "occluders.rectangle_paste",
    "occluders.ror",
    "pasting.coverage",
    "pasting.harmonize",
    "pasting.paste",
    "pasting.warp",
    "placement",
    "sampling.part_size",
    "sampling.placers",
    "sampling.sampler",
    "sampling.schedule",
    "scene.image_arrays",
    "scene.normalisation",
    "scene.scene",
    "scene.skeletons",
)  # fmt: skip
"""Modules of asda_aug that work without torch."""
AUGMENTATION_NAMES = {
    "ASDADataset", "Adapter", "AdversarialAugmenter", "ClassAdversary", "Cutout", "Frame", "Generator",
    "GeneratorPlacer", "JointPlacer", "PartBatch", "PartSampler", "Paste", "PasteParts", "Placement", "ROR",
    "RandomPlacer", "RectanglePaste", "Scene", "compose", "coverage", "forward_matrix", "paper_matrix", "paste",
    "to_cv2",
}  # fmt: skip
PUBLIC = {
    "ASDA26", "EXTENDED", "LIP", "BuildReport", "FilterConfig", "Item", "LabelScheme", "MergeReport", "Part",
    "PartClass", "PartPool", "Taxonomy", "__version__", "build", "find_lip", "find_pairs", "load_taxonomy", "merge",
}  # fmt: skip


def imported(path: Path) -> Iterator[str]:
    """Top-level packages that a file imports anywhere, for type checkers too; relative imports are its own."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield str(node.module).partition(".")[0]


def modules_of_partpool(path: Path) -> set[str]:
    """Modules of partpool that a file imports anywhere."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "partpool":
            found |= {f"partpool.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(str(node.module))
    return {name.split(".")[1] if "." in name else "" for name in found if name.partition(".")[0] == "partpool"}


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
    assert third_party <= {"partpool", "asda_aug", "typer", "rich", "numpy", "PIL"}


@pytest.mark.parametrize("path", AUGMENTATIONS, ids=lambda path: path.stem)
def test_asda_aug_stands_on_the_reader_and_the_taxonomy(path: Path) -> None:
    assert modules_of_partpool(path) <= READER_SIDE
    assert not set(imported(path)) & {"typer", "click", "rich", "partpool_cli", "cli"}


def test_asda_aug_needs_torch_only_for_tensors() -> None:
    loaded = loaded_by("\n".join(f"import asda_aug.{module}" for module in LIGHT))
    assert not loaded & {"torch", "torchvision", "typer", "rich"}


def test_names_that_need_torch_say_how_to_get_it() -> None:
    script = """
sys.modules["torch"] = None
import asda_aug
names = {"light": [], "heavy": []}
for name in asda_aug.__all__:
    try:
        getattr(asda_aug, name)
        names["light"].append(name)
    except ImportError as error:
        assert 'pip install "partpool[torch]"' in str(error), error
        names["heavy"].append(name)
players = {"AdversarialAugmenter", "ClassAdversary", "Generator", "GeneratorPlacer"}
assert set(names["heavy"]) == {"ASDADataset", "PartBatch", "compose"} | players, names
"""
    loaded_by(script)


def test_importing_asda_aug_costs_nothing() -> None:
    assert not loaded_by("import asda_aug") & {"numpy", "cv2", "h5py", "PIL", "torch"}


@pytest.mark.parametrize(("package", "names"), [(partpool, PUBLIC), (asda_aug, AUGMENTATION_NAMES)])
def test_public_names(package: ModuleType, names: set[str]) -> None:
    if package is asda_aug:
        pytest.importorskip("torch", reason="PyTorch is not installed")
    assert set(package.__all__) == names
    assert len(package.__all__) == len(names)
    assert set(dir(package)) == names
    for name in names:
        assert getattr(package, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        package.nothing  # noqa: B018
