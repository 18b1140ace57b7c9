"""Parts and samples that several tests of asda_aug draw."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from asda_aug import Frame, Placement, forward_matrix
from partpool import Part

IDENTITY = Placement()
Matrix = NDArray[np.float64]


def make_part(rng: np.random.Generator, width: int = 40, height: int = 60, *, solid: bool = False) -> Part:
    """A part of smooth colour with an elliptic or a full mask."""
    coarse = rng.integers(0, 256, (5, 4, 3), np.uint8)
    rgb = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    rows, columns = np.mgrid[:height, :width] + 0.5
    mask = ((columns - width / 2) / (width / 2)) ** 2 + ((rows - height / 2) / (height / 2)) ** 2 <= 1
    box = np.array([0, 0, width, height], np.int32)
    return Part(rgb, mask | solid, 0, "hat", box, box, "somewhere")


def place(part: Part, size: tuple[int, int], diagonal: float, placement: Placement = IDENTITY) -> tuple[Part, Matrix]:
    """A part on an image of that width and height."""
    height, width = part.mask.shape
    return part, forward_matrix(placement, (width, height), diagonal, Frame.of_image(*size))


def picture(rng: np.random.Generator, width: int, height: int) -> NDArray[np.uint8]:
    """A noisy picture, uint8 [H, W, 3]."""
    return rng.integers(0, 256, (height, width, 3), np.uint8)
