"""Segment + photograph → patch: the pixels that are stored, and what the filters measure on them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

EXTEND = 4
"""How many pixels beyond the mask a box filter carries the colour of its edge, at least."""

Box = tuple[int, int, int, int]


def raggedness(mask: NDArray[np.uint8], area: int) -> float:
    """Squared length of all contours, outer and inner, over 4π times the area: 1 for a disc, more if ragged."""
    contours, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    length = sum(cv2.arcLength(contour, closed=True) for contour in contours)
    return length**2 / (4 * math.pi * area)


def border_share(mask: NDArray[np.uint8], box: Box, size: tuple[int, int]) -> float:
    """Share of the mask's border pixels that lie in the first or last row or column of the picture.

    A border pixel has an 8-neighbour outside the mask; outside the picture is outside the mask.

    Args:
        mask: The mask, 255 or 0, uint8, cut to its tight box.
        box: That box in the picture.
        size: Width and height of the picture.
    """
    frame = np.zeros_like(mask)
    for touches, side in (
        (box[0] == 0, np.s_[:, 0]), (box[1] == 0, np.s_[0]), (box[2] == size[0], np.s_[:, -1]),
        (box[3] == size[1], np.s_[-1]),
    ):  # fmt: skip
        if touches:
            frame[side] = mask[side]
    on_frame = cv2.countNonZero(frame)
    if not on_frame:
        return 0.0
    inner = cv2.erode(mask, None, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    return on_frame / (cv2.countNonZero(mask) - cv2.countNonZero(inner))


def cut(
    image: NDArray[np.uint8], parts: Sequence[tuple[NDArray[np.uint8], Box]], max_side: int
) -> list[NDArray[np.uint8]]:
    """The patches of one picture's parts, shrunk by area averaging where a side is longer than ``max_side``.

    Outside the mask the part's own colour goes on, so that neither resampling nor lossy coding pulls background into
    its edge: a normalised box filter for at least ``EXTEND`` pixels, the part's mean colour beyond.

    Args:
        image: The photograph, uint8 [H, W, 4] BGRA, opaque.
        parts: Mask (255 or 0, uint8 [h, w]) and tight box in the photograph of every part.
        max_side: Longest side of a patch in pixels.

    Returns:
        uint8 [h', w', 4] BGRA for every part; alpha is the mask, 255 or 0.
    """
    if not parts:
        return []
    sizes = [_shrunk(mask.shape, max_side) for mask, _ in parts]
    # All parts go into one column, out of reach of each other, so that every step below is one call per picture.
    tops = [0, *np.cumsum([height + height % 2 + EXTEND for height, _ in sizes]).tolist()]
    width = max(width for _, width in sizes)
    column = np.zeros((tops.pop(), width + width % 2, 4), np.uint8)
    slots = [column[top : top + height, :width] for top, (height, width) in zip(tops, sizes, strict=True)]
    for slot, (mask, (x0, y0, x1, y1)) in zip(slots, parts, strict=True):
        if slot.shape[:2] == mask.shape:
            cv2.copyTo(image[y0:y1, x0:x1], mask, slot)
        else:
            _shrink(cv2.copyTo(image[y0:y1, x0:x1], mask), slot)
    extended = _extend(column, tops)
    return [extended[top : top + height, :width] for top, (height, width) in zip(tops, sizes, strict=True)]


def _shrunk(shape: Sequence[int], max_side: int) -> tuple[int, int]:
    scale = min(1.0, max_side / max(shape))
    return max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))


def _shrink(part: NDArray[np.uint8], target: NDArray[np.uint8]) -> None:
    """Average colour over the part's own pixels only; a pixel is in the mask if half of it was.

    Args:
        part: uint8 [h, w, 4] BGRA, all zero outside the mask.
        target: Where the result goes, uint8 [h', w', 4].
    """
    small = cv2.resize(part, (target.shape[1], target.shape[0]), interpolation=cv2.INTER_AREA)
    pixels, weight = small.reshape(-1, 4), cv2.extractChannel(small, 3).ravel()
    half = min(128, int(weight.max()))
    partial = np.flatnonzero((weight != 0) & (weight != 255))
    share = weight[partial, None]
    colours = np.minimum(np.rint(pixels[partial] * (np.float32(255) / share)), 255).astype(np.uint8)
    pixels[partial] = np.where(share >= half, colours, np.uint8(0))
    target[:] = small


def _extend(column: NDArray[np.uint8], tops: Sequence[int]) -> NDArray[np.uint8]:
    """Fill the colour outside the masks; alpha stays.

    The box filter runs at half resolution, a quarter of the cost: five cells of two pixels reach at least four pixels
    on either side.

    Args:
        column: Parts below each other, uint8 [h, w, 4] BGRA, h and w even, all zero outside the masks.
        tops: First row of every part, even.
    """
    height, width = column.shape[:2]
    half = cv2.resize(column, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    fill = np.empty(half.shape[:2], np.uint32)
    for top, bottom in zip(tops, [*tops[1:], height], strict=True):
        total = np.array(cv2.sumElems(half[top // 2 : bottom // 2]))
        fill[top // 2 : bottom // 2] = _transparent(total * (255 / total[3]))
    side = EXTEND + 1
    sums = cv2.boxFilter(half, cv2.CV_16U, (side, side), normalize=False, borderType=cv2.BORDER_CONSTANT)
    weight = cv2.extractChannel(sums, 3).ravel()
    rim = np.flatnonzero((weight != 0) & (cv2.extractChannel(half, 3).ravel() != 255))
    near = sums.reshape(-1, 4)[rim]
    fill.ravel()[rim] = _transparent(near * (np.float32(255) / weight[rim, None]))
    filled = np.empty((height, width), np.uint32)
    for row, first in ((0, 0), (0, 1), (1, 0), (1, 1)):
        filled[row::2, first::2] = fill
    result = filled.view(np.uint8).reshape(column.shape)
    return cv2.copyTo(column, cv2.extractChannel(column, 3), result)


def _transparent(colours: NDArray[np.floating]) -> NDArray[np.uint32]:
    """Colours [..., 4] as BGRA pixels without alpha, four bytes in one number each [...]."""
    colours[..., 3] = 0
    return np.minimum(colours + np.float32(0.5), 255).astype(np.uint8).view(np.uint32)[..., 0]
