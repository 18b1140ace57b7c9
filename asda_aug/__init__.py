"""Sample body parts from a pool and paste them into any PyTorch data set, at random or where a generator puts them.

The names below load what they need when they are first used. Geometry, sampling and the NumPy paste work without
PyTorch; a name that needs it says how to install it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from asda_aug.adapters.adapter import Adapter
    from asda_aug.adversarial.augmenter import AdversarialAugmenter
    from asda_aug.adversarial.class_adversary import ClassAdversary
    from asda_aug.adversarial.generator import Generator
    from asda_aug.adversarial.generator_placer import GeneratorPlacer
    from asda_aug.batch.compose import compose
    from asda_aug.batch.part_batch import PartBatch
    from asda_aug.dataset.asda_dataset import ASDADataset
    from asda_aug.occluders.cutout import Cutout
    from asda_aug.occluders.occluder import Paste
    from asda_aug.occluders.paste_parts import PasteParts
    from asda_aug.occluders.rectangle_paste import RectanglePaste
    from asda_aug.occluders.ror import ROR
    from asda_aug.pasting.coverage import coverage
    from asda_aug.pasting.paste import paste
    from asda_aug.placement import Frame, Placement, forward_matrix, paper_matrix, to_cv2
    from asda_aug.sampling.placers import JointPlacer, RandomPlacer
    from asda_aug.sampling.sampler import PartSampler
    from asda_aug.scene.scene import Scene

_HOMES = {
    "ASDADataset": "dataset.asda_dataset",
    "Adapter": "adapters.adapter",
    "AdversarialAugmenter": "adversarial.augmenter",
    "ClassAdversary": "adversarial.class_adversary",
    "Cutout": "occluders.cutout",
    "Frame": "placement",
    "Generator": "adversarial.generator",
    "GeneratorPlacer": "adversarial.generator_placer",
    "JointPlacer": "sampling.placers",
    "PartBatch": "batch.part_batch",
    "PartSampler": "sampling.sampler",
    "Paste": "occluders.occluder",
    "PasteParts": "occluders.paste_parts",
    "Placement": "placement",
    "ROR": "occluders.ror",
    "RandomPlacer": "sampling.placers",
    "RectanglePaste": "occluders.rectangle_paste",
    "Scene": "scene.scene",
    "compose": "batch.compose",
    "coverage": "pasting.coverage",
    "forward_matrix": "placement",
    "paper_matrix": "placement",
    "paste": "pasting.paste",
    "to_cv2": "placement",
}

__all__ = [
    "ROR",
    "ASDADataset",
    "Adapter",
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
