"""Slow, obvious colour extension: what a stored patch must look like outside its mask."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def gone_on(rgb: NDArray[np.uint8], mask: NDArray[np.bool_], row: int, column: int, side: int) -> NDArray[np.float64]:
    """The colour that goes on at a pixel outside the mask: the mean of its cell, else of those around, else of all.

    Args:
        rgb: uint8 [h, w, 3].
        mask: bool [h, w].
        row: Of the pixel.
        column: Of the pixel.
        side: Of a cell, in pixels.
    """
    top, left = row // side * side, column // side * side
    for more in (0, side):
        window = np.s_[max(0, top - more) : top + side + more, max(0, left - more) : left + side + more]
        if mask[window].any():
            return np.asarray(rgb[window][mask[window]].mean(axis=0), np.float64)
    return np.asarray(rgb[mask].mean(axis=0), np.float64)


def area_average(picture: NDArray[np.uint8], height: int, width: int) -> NDArray[np.float64]:
    """A picture [h, w, c] of which every pixel is the average over its share of the given one, [height, width, c]."""
    rows, columns = (overlaps(old, new) for old, new in zip(picture.shape, (height, width), strict=False))
    return np.einsum("yr,rcb,xc->yxb", rows, picture.astype(float), columns, optimize=True)


def own_average(
    picture: NDArray[np.uint8], mask: NDArray[np.bool_], height: int, width: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Average colour over the mask's pixels only, NaN where there are none, and the share of each pixel that is in it.

    Returns:
        [height, width, c] and [height, width].
    """
    share = area_average(mask[..., None].astype(np.uint8), height, width)
    with np.errstate(invalid="ignore"):
        return area_average(picture * mask[..., None], height, width) / share, share[..., 0]


def overlaps(old: int, new: int) -> NDArray[np.float64]:
    """Which share of each of ``new`` equal intervals lies in each of ``old`` ones, [new, old]."""
    edges, cells = np.linspace(0, old, new + 1), np.arange(old)
    common = np.minimum(edges[1:, None], cells + 1) - np.maximum(edges[:-1, None], cells)
    return common.clip(0) * new / old
