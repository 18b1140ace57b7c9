"""Rectangles as things to paste: what augmentations without silhouettes put over an image."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from asda_aug.occluders.occluder import Paste
from asda_aug.scene.scene import Box
from partpool.pool.part import Part

NO_CLASS = -1


def rectangle(rgb: NDArray[np.uint8], left: int, top: int, name: str, person: int, box: Box) -> Paste:
    """A rectangle of pixels whose corner goes to a pixel of the image, edges hard and nothing resampled.

    Args:
        rgb: uint8 [h, w, 3].
        left: Column of its left edge.
        top: Row of its top edge.
        name: What it is called in records.
        person: Which person it is meant for.
        box: That person's box.
    """
    height, width = rgb.shape[:2]
    extent = np.array([0, 0, width, height], np.int32)
    part = Part(rgb, np.ones((height, width), bool), NO_CLASS, name, extent, extent, "")
    matrix = np.array([[1.0, 0.0, left], [0.0, 1.0, top]])
    return Paste(part, matrix, person, box)
