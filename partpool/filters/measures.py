"""What the filters measure on a segment's mask."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from partpool.segment.components import Box


def raggedness(contour: float, area: int) -> float:
    """Squared length of all contours, outer and inner, over 4π times the area: 1 for a disc, more if ragged."""
    return contour**2 / (4 * math.pi * area)


def border_share(mask: NDArray[np.uint8], box: Box, size: tuple[int, int]) -> float:
    """Share of the mask's border pixels that lie in the first or last row or column of the picture.

    A border pixel has an 8-neighbour outside the mask; outside the picture is outside the mask.

    Args:
        mask: The mask, 255 or 0, uint8, cut to its tight box.
        box: That box in the picture.
        size: Width and height of the picture.
    """
    left, top, right, bottom = box[0] == 0, box[1] == 0, box[2] == size[0], box[3] == size[1]
    if not (left or top or right or bottom):
        return 0.0
    frame = np.zeros_like(mask)
    for wanted, side in ((left, np.s_[:, :1]), (top, np.s_[:1, :]), (right, np.s_[:, -1:]), (bottom, np.s_[-1:, :])):
        if wanted:
            frame[side] = mask[side]
    inner = cv2.erode(mask, None, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    border = cv2.countNonZero(mask) - cv2.countNonZero(inner)
    return cv2.countNonZero(frame) / border if border else 0.0
