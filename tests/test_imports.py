"""What importing loads.

partpool is the offline side: it must load where there is no torch and no terminal library. asda_aug stands on its
reader and taxonomy, and needs torch only where tensors are its business.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
MODULES = sorted((ROOT / "partpool").rglob("*.py"))
TOO_HIGH = {"torch", "torchvision", "typer", "click", "rich", "asda_aug", "partpool_cli", "cli"}
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


def loaded_by(code: str) -> set[str]:
    script = f"import json, sys\n{code}\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    return set(json.loads(done.stdout))


def test_all_of_partpool_loads_without_what_stands_above() -> None:
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in MODULES if path.stem != "__init__"]
    loaded = loaded_by("\n".join(f"import {name}" for name in names))
    assert set(names) <= loaded
    assert not loaded & TOO_HIGH


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
