"""Segment + photograph → patch: the pixels that are stored."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from partpool.cutting import compiled, patch_numpy
from partpool.segment.components import Box


def cut_patch(image: NDArray[np.uint8], mask: NDArray[np.uint8], box: Box, max_side: int) -> NDArray[np.uint8]:
    """The patch of a part, shrunk by area averaging if a side is longer than ``max_side``.

    Outside the mask the part's own colour goes on, so that neither resampling nor lossy coding pulls background into
    its edge. Each cell of ``CELL`` pixels a side has one colour there: the mean of the part's pixels in it, else of
    those in the 3 × 3 cells around it, else of all. A block of a JPEG is such a cell, and costs least if it is even.

    Args:
        image: The photograph, uint8 [H, W, 4] BGRA, opaque.
        mask: The part, 255 or 0, uint8 [h, w], cut to ``box``.
        box: Tight box of the part in the photograph, x0 y0 x1 y1, half-open.
        max_side: Longest side of the patch in pixels. Where that is less than a 256th, some rows or columns of the part
            weigh nothing.

    Returns:
        uint8 [h', w', 4] BGRA; alpha is the mask, 255 or 0.
    """
    height, width = mask.shape
    scale = max_side / max(height, width)
    if scale < 1:
        height, width = (max(1, round(side * scale)) for side in (height, width))
    patch = np.empty((height, width, 4), np.uint8)
    x0, y0, x1, y1 = box
    (compiled.loops if compiled.COMPILED else patch_numpy).cut(image[y0:y1, x0:x1], mask, patch)
    return patch
