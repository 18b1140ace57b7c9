"""What ``_cut.c`` does, with NumPy and OpenCV, to the same bytes: for machines without a C compiler."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

CELL = 8
"""Side in pixels of the cells in which colour goes on outside the mask: the blocks of a JPEG."""
UNIT = 256
"""Sum of the weights of all rows, or of all columns, that a pixel of a smaller patch is the average of."""
WHOLE = UNIT**2
OPAQUE = 255 * WHOLE
"""Weighted sum of an alpha that is 255 everywhere."""
COLOUR = np.frombuffer(b"\xff\xff\xff\0", np.uint32)[0]
"""Blue, green and red of a BGRA pixel that is handled as one number."""


def cut(part: NDArray[np.uint8], mask: NDArray[np.uint8], patch: NDArray[np.uint8]) -> None:
    """Write the patch of a part, shrunk by area averaging if it is smaller than the part.

    Args:
        part: The photograph in the part's box, uint8 [h, w, 4] BGRA, opaque.
        mask: The part, 255 or 0, uint8 [h, w].
        patch: Is written over, uint8 [h', w', 4].
    """
    height, width = patch.shape[:2]
    if patch.shape[:2] != mask.shape:
        part = _shrunk_part(cv2.copyTo(part, mask), height, width)
        mask = cv2.extractChannel(part, 3)
    # Whole cells, which are added up at half the resolution.
    own = np.zeros((height + -height % CELL, width + -width % CELL, 4), np.uint8)
    cv2.copyTo(part, mask, own[:height, :width])
    patch[:] = _surroundings(own)[:height, :width]
    cv2.copyTo(part, mask, patch)


def _shrunk_part(part: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Average colour over the part's own pixels only; a pixel is in the mask if half of it was, or as much as of any.

    Args:
        part: uint8 [h, w, 4] BGRA, all zero outside the mask.
        height: Rows to shrink to.
        width: Columns to shrink to.
    """
    sums = _weighted_sums(part, height, width)
    alpha = sums[:, 3].copy()
    least = min(OPAQUE // 2, int(alpha.max()))
    # Neither none nor all of it: a number below 1 wraps around.
    partial = np.flatnonzero(alpha - np.uint32(1) < OPAQUE - 1)
    edge = np.where(alpha[partial] >= least, _unpremultiplied(sums[partial]), 0)
    sums += WHOLE // 2
    sums >>= 16
    small = sums.astype(np.uint8)
    small.view(np.uint32)[partial, 0] = edge
    return small.reshape(height, width, 4)


def _weighted_sums(part: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint32]:
    """Sums of the pixels that each pixel of a smaller picture covers, weighted; weights add up to ``WHOLE``, [n, 4]."""
    flat = part.reshape(len(part), -1)
    rows = np.zeros((height, flat.shape[1]), np.uint16)
    for row, weight in _taps(len(part), height):
        rows += np.multiply(flat.take(row, axis=0), weight[:, None], dtype=np.uint16)
    # The four sums of a pixel are moved as one number.
    pixels = rows.view(np.uint64)
    sums = np.zeros((height, 4 * width), np.uint32)
    for column, weight in _taps(part.shape[1], width):
        taken = pixels.take(column, axis=1).view(np.uint16).astype(np.uint32)
        taken *= weight.astype(np.uint32).repeat(4)
        sums += taken
    return sums.reshape(-1, 4)


def _taps(old: int, new: int) -> Iterator[tuple[NDArray[np.integer], NDArray[np.uint16]]]:
    """The first of the ``old`` rows that each of ``new`` ones covers, and its weight there; then the next, and so on.

    Weights are differences of rounded shares, so that those of a row add up to ``UNIT``.
    """
    first, begun = np.divmod(np.arange(new) * old, new)
    before = np.zeros(new, np.int64)
    for tap in range((old - 1) // new + 2):
        covered = np.clip((tap + 1) * new - begun, 0, old)
        share = (covered * UNIT + old // 2) // old
        yield np.minimum(first + tap, old - 1), (share - before).astype(np.uint16)
        before = share


def _surroundings(own: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The colour that goes on around a part, at and outside its mask, transparent.

    Args:
        own: The part's pixels, uint8 [h, w, 4] BGRA, h and w multiples of ``CELL``, all zero outside the mask.
    """
    height, width = own.shape[:2]
    half = cv2.resize(own, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    side = CELL // 2
    cells = _box_sums(half, side, 0)[::side, ::side].copy()
    near = np.where(cells[..., 3:] > 0, cells, _box_sums(cells, 3, 1)).reshape(-1, 4)
    mean = _unpremultiplied(np.array([cv2.sumElems(half)], np.int64))
    colours = np.where(near[:, 3] > 0, _unpremultiplied(near), mean) & COLOUR
    wide = np.repeat(colours.reshape(height // CELL, 1, -1), CELL, axis=2).view(np.uint8)
    return np.repeat(wide, CELL, axis=1).reshape(own.shape)


def _box_sums(picture: NDArray[np.unsignedinteger], side: int, before: int) -> NDArray[np.uint16]:
    """Sums over the square of ``side`` pixels that begins so many pixels before each pixel; zeros lie around."""
    return cv2.boxFilter(
        picture, cv2.CV_16U, (side, side), anchor=(before, before), normalize=False, borderType=cv2.BORDER_CONSTANT
    )


def _unpremultiplied(premultiplied: NDArray[np.integer]) -> NDArray[np.uint32]:
    """Colours over their alpha, rounded half up, as opaque BGRA pixels of one number each; 0 where alpha is.

    Args:
        premultiplied: Blue, green, red and alpha of one pixel after another, times any number, [n, 4].
    """
    sums = premultiplied.astype(np.int64)
    alpha = sums[:, 3:]
    opaque = (2 * 255 * sums + alpha) // np.maximum(2 * alpha, 1)
    return opaque.clip(0, 255).astype(np.uint8).view(np.uint32).ravel()
