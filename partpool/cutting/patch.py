"""Segment + photograph → patch: the pixels that are stored, and what the filters measure on them."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from partpool.segment import regions

try:
    from partpool.cutting import _cut

    COMPILED = True
except ImportError:
    COMPILED = False
"""Whether patches are cut by compiled loops; without them NumPy and OpenCV do the same, more slowly."""

FINEST = 1 / 32
"""Share of its size that a part may be shrunk to by compiled loops, whose sums have too few bits for more."""
EXTEND = 8
"""Side in pixels of the cells in which colour goes on outside the mask: the blocks of a JPEG."""
COLOUR = np.frombuffer(b"\xff\xff\xff\0", np.uint32)[0]
"""Blue, green and red of a BGRA pixel that is handled as one number."""

Box = tuple[int, int, int, int]


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
    sides = (box[0] == 0, box[1] == 0, box[2] == size[0], box[3] == size[1])
    if not any(sides):
        return 0.0
    on_frame, on_rim = regions.loops.rim(mask, sides)
    return on_frame / on_rim if on_rim else 0.0


def cut(image: NDArray[np.uint8], mask: NDArray[np.uint8], box: Box, max_side: int) -> NDArray[np.uint8]:
    """The patch of a part, shrunk by area averaging if a side is longer than ``max_side``.

    Outside the mask the part's own colour goes on, so that neither resampling nor lossy coding pulls background into
    its edge. Each cell of ``EXTEND`` pixels a side has one colour there: the mean of the part's pixels in it, else of
    those in the 3 × 3 cells around it, else of all. A block of a JPEG is such a cell, and costs least if it is even.

    Args:
        image: The photograph, uint8 [H, W, 4] BGRA, opaque.
        mask: The part, 255 or 0, uint8 [h, w], cut to ``box``.
        box: Tight box of the part in the photograph, half-open.
        max_side: Longest side of the patch in pixels.

    Returns:
        uint8 [h', w', 4] BGRA; alpha is the mask, 255 or 0.
    """
    height, width = mask.shape
    scale = max_side / max(height, width)
    if scale < 1:
        height, width = (max(1, round(side * scale)) for side in (height, width))
    if not COMPILED or scale < FINEST:
        return _cut_plainly(image, mask, box, height, width)
    patch = np.empty((height, width, 4), np.uint8)
    _cut.cut(image, mask, box, patch)
    return patch


def _cut_plainly(
    image: NDArray[np.uint8], mask: NDArray[np.uint8], box: Box, height: int, width: int
) -> NDArray[np.uint8]:
    """What ``_cut.c`` does, with NumPy and OpenCV: to the bit, unless the part is shrunk.

    OpenCV rounds averages of areas twice, so that shrunk colours may differ by a level, more at the mask's edge.
    """
    x0, y0, x1, y1 = box
    part = image[y0:y1, x0:x1]
    if (height, width) != mask.shape:
        part = _shrink(cv2.copyTo(part, mask), height, width)
        mask = cv2.extractChannel(part, 3)
    # Whole cells, which are added up at half the resolution.
    black = np.zeros((height + -height % EXTEND, width + -width % EXTEND, 4), np.uint8)
    cv2.copyTo(part, mask, black[:height, :width])
    patch = _surroundings(black)[:height, :width]
    return cv2.copyTo(part, mask, patch)


def _shrink(part: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Average colour over the part's own pixels only; a pixel is in the mask if half of it was.

    Args:
        part: uint8 [h, w, 4] BGRA, all zero outside the mask.
        height: Rows to shrink to.
        width: Columns to shrink to.
    """
    small = _area_average(part, height, width)
    pixels, weight = small.view(np.uint32).ravel(), cv2.extractChannel(small, 3).ravel()
    half = min(128, int(weight.max()))
    # Neither 0 nor 255: a byte below 1 wraps around.
    partial = np.flatnonzero(weight - np.uint8(1) < 254)
    if len(partial):
        pixels[partial] = np.where(weight[partial] >= half, _divided(pixels[partial].view(np.uint8)), 0)
    return small


def _area_average(picture: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """A smaller picture, every pixel the average of the area that it covers.

    Such an area is cut into n × n pieces that are at most one pixel wide. Averaging over a piece looks at two pixels
    a side at most, and averaging the pieces is a shrinking by a whole number: OpenCV has fast ways for these two.
    """
    rows, columns = picture.shape[:2]
    pieces = max(-(-rows // height), -(-columns // width))
    # A hair less than the factor, lest rounding moves a piece that begins where a pixel begins to the pixel before.
    down, across = (pieces * new / old * (1 - 1e-9) for new, old in ((height, rows), (width, columns)))
    fine = cv2.resize(picture, None, fx=across, fy=down, interpolation=cv2.INTER_AREA)
    return cv2.resize(fine, (width, height), interpolation=cv2.INTER_AREA)


def _surroundings(part: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The colour that goes on around a part, at and outside its mask, transparent.

    Args:
        part: uint8 [h, w, 4] BGRA, h and w multiples of ``EXTEND``, all zero outside the mask.
    """
    height, width = part.shape[:2]
    half = cv2.resize(part, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    own, around = _cell_sums(half, 1), _cell_sums(half, 3)
    near = np.where(own[:, 3:] > 0, own, around)
    mean = _divided(np.array(cv2.sumElems(half)))
    cells = np.where(near[:, 3] > 0, _divided(near), mean) & COLOUR
    wide = np.repeat(cells.reshape(height // EXTEND, 1, -1), EXTEND, axis=2).view(np.uint8)
    return np.repeat(wide, EXTEND, axis=1).reshape(part.shape)


def _cell_sums(half: NDArray[np.uint8], cells: int) -> NDArray[np.uint16]:
    """Sums over squares of so many cells a side, one around each cell, [n, 4]; the picture has half the resolution."""
    step = EXTEND // 2
    before = cells // 2 * step
    sums = cv2.boxFilter(
        half, cv2.CV_16U, (cells * step, cells * step), anchor=(before, before), normalize=False,
        borderType=cv2.BORDER_CONSTANT,
    )  # fmt: skip
    return sums[::step, ::step].reshape(-1, 4)


def _divided(premultiplied: NDArray[np.number]) -> NDArray[np.uint32]:
    """Colours over their alpha, rounded half up, as opaque BGRA pixels of one number each; 0 where alpha is.

    Args:
        premultiplied: Whole numbers, blue, green, red and alpha of one pixel after another.
    """
    sums = premultiplied.astype(np.int64).reshape(-1, 4)
    alpha = sums[:, 3:]
    opaque = (2 * 255 * sums + alpha) // np.maximum(2 * alpha, 1)
    return opaque.clip(0, 255).astype(np.uint8).view(np.uint32).ravel()
