"""Sample body parts from a pool and paste them into any PyTorch data set, at random or where a generator puts them.

The names below load what they need when they are first used. Geometry, sampling and the NumPy paste work without
PyTorch; a name that needs it says how to install it.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from asda_aug.adversarial import AdversarialAugmenter
    from asda_aug.bandit import ClassAdversary
    from asda_aug.compose import compose
    from asda_aug.coverage import coverage
    from asda_aug.cutout import Cutout, RectanglePaste
    from asda_aug.dataset import ASDADataset
    from asda_aug.generator import Generator
    from asda_aug.generator_placer import GeneratorPlacer
    from asda_aug.occluder import Paste
    from asda_aug.part_batch import PartBatch
    from asda_aug.paste import paste
    from asda_aug.paste_parts import PasteParts
    from asda_aug.placement import Frame, Placement, forward_matrix, paper_matrix, to_cv2
    from asda_aug.placers import JointPlacer, RandomPlacer
    from asda_aug.ror import ROR
    from asda_aug.sampler import PartSampler
    from asda_aug.scene import Scene

_HOMES = {
    "ASDADataset": "dataset",
    "AdversarialAugmenter": "adversarial",
    "ClassAdversary": "bandit",
    "Cutout": "cutout",
    "Frame": "placement",
    "Generator": "generator",
    "GeneratorPlacer": "generator_placer",
    "JointPlacer": "placers",
    "PartBatch": "part_batch",
    "PartSampler": "sampler",
    "Paste": "occluder",
    "PasteParts": "paste_parts",
    "Placement": "placement",
    "ROR": "ror",
    "RandomPlacer": "placers",
    "RectanglePaste": "cutout",
    "Scene": "scene",
    "compose": "compose",
    "coverage": "coverage",
    "forward_matrix": "placement",
    "paper_matrix": "placement",
    "paste": "paste",
    "to_cv2": "placement",
}

__all__ = [
    "ROR",
    "ASDADataset",
    "AdversarialAugmenter",
    "ClassAdversary",
    "Cutout",
    "Frame",
    "Generator",
    "GeneratorPlacer",
    "JointPlacer",
    "PartBatch",
    "PartSampler",
    "Paste",
    "PasteParts",
    "Placement",
    "RandomPlacer",
    "RectanglePaste",
    "Scene",
    "compose",
    "coverage",
    "forward_matrix",
    "paper_matrix",
    "paste",
    "to_cv2",
]


class _Package(ModuleType):
    """A function may have the name of its module: ``asda_aug.compose`` stays the function when that is imported."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _HOMES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    except ModuleNotFoundError as error:
        if error.name not in ("torch", "safetensors"):
            raise
        from asda_aug.errors import MissingTorchError

        raise MissingTorchError(f'asda_aug.{name} needs PyTorch: pip install "partpool[torch]"') from None
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
