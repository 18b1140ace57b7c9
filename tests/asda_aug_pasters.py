"""A picture with its keypoints, and pasters with few classes, for tests of occluders."""

from __future__ import annotations

from typing import Any

import numpy as np

from asda_aug import PasteParts, RandomPlacer, Scene
from asda_aug.scene.skeletons import COCO
from partpool import PartPool

FULL = RandomPlacer(s=(3, 3), tx=(0, 0), ty=(0, 0))
"""Covers everything in the middle."""


def image() -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.random.default_rng(5).integers(0, 256, (128, 96, 3), np.uint8)


def scene(**options: Any) -> Scene:
    points = np.random.default_rng(1).uniform(0, 96, (17, 2))
    labelled = np.arange(17) > 4
    return Scene(image(), points, labelled=labelled, visible=labelled, keypoint_names=COCO, **options)


def paster(parts: PartPool, **options: Any) -> PasteParts:
    return PasteParts(parts, **{"min_parts": 1, "classes": ["upper-clothes", "left-arm", "face"], **options})


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)
