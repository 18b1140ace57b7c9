"""A part drawn where a matrix puts it: the pixels of the rectangle it covers, and nothing else."""

from __future__ import annotations

import math
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from asda_aug.placement import Matrix, checked_matrix
from partpool.part import Part

MARGIN = 2
"""Transparent pixels around a patch before it is warped: bilinear sampling must meet colour and no mask there."""
SHRINK = 0.5
"""A part drawn below this share of its stored size is area-averaged first: bilinear sampling would skip pixels."""
MAX_HALVINGS = 4
MAX_FEATHER = 15


class Warped(NamedTuple):
    """A part in the image's pixels.

    Attributes:
        x: Left column of its rectangle.
        y: Top row.
        colour: uint8 [h, w, 3].
        alpha: uint8 [h, w], 255 is opaque.
    """

    x: int
    y: int
    colour: NDArray[np.uint8]
    alpha: NDArray[np.uint8]


def feather_radius(feather: float) -> int:
    """Radius in pixels of the erosion and the blur of an edge.

    Raises:
        ValueError: If it is negative or beyond 15.
    """
    if not 0 <= feather <= MAX_FEATHER:
        raise ValueError(f"feather must lie in [0, {MAX_FEATHER}] pixels, but got {feather}")
    return round(feather)


def warp(
    part: Part, matrix: Matrix, shape: tuple[int, int], *, feather: float = 1.0, bgr: bool = False
) -> Warped | None:
    """Draw a part.

    Colour is sampled bilinearly and goes on beyond the patch, the mask bilinearly with nothing beyond. Then, at the
    image's resolution, the mask is eroded and blurred by ``feather`` pixels; at the border of the image it goes on.

    Args:
        part: The part.
        matrix: Patch pixels to image pixels, float64 [2, 3].
        shape: Height and width of the image.
        feather: Width of the soft edge in pixels, rounded; 0 leaves the mask hard but for resampling.
        bgr: Whether the colour is returned as BGR.

    Returns:
        The rectangle within the image that the part can touch, or None if there is none.
    """
    radius = feather_radius(feather)
    patch, rows = _patch(part, matrix, bgr)
    box = _rectangle(patch.shape, rows, shape)
    if box is None:
        return None
    x0, y0, x1, y1 = box
    (a, b, c), (d, e, f) = rows
    # Pixel centres at integers, as OpenCV counts, and the rectangle's corner at 0.
    local = np.array([[a, b, c + (a + b) / 2 - 0.5 - x0], [d, e, f + (d + e) / 2 - 0.5 - y0]])
    pixels = cv2.warpAffine(patch, local, (x1 - x0, y1 - y0), flags=cv2.INTER_LINEAR)
    alpha = cv2.extractChannel(pixels, 3)
    if radius:
        side = 2 * radius + 1
        alpha = cv2.erode(alpha, None if radius == 1 else np.ones((side, side), np.uint8))
        alpha = cv2.GaussianBlur(alpha, (side, side), 0, borderType=cv2.BORDER_REPLICATE)
    return Warped(x0, y0, cv2.cvtColor(pixels, cv2.COLOR_RGBA2RGB), alpha)


def _patch(part: Part, matrix: Matrix, bgr: bool) -> tuple[NDArray[np.uint8], list[list[float]]]:
    """Colour and mask with a margin, uint8 [h, w, 4], halved as often as need be, and the rows of its matrix."""
    (a, b, c), (d, e, f) = checked_matrix(matrix)
    colour, mask = part.rgb, part.mask.view(np.uint8) * np.uint8(255)
    for _ in range(_halvings(math.sqrt(abs(a * e - b * d)))):
        colour, mask = _halved(colour, cv2.BORDER_REPLICATE), _halved(mask, cv2.BORDER_CONSTANT)
        a, b, d, e = 2 * a, 2 * b, 2 * d, 2 * e
    around = (MARGIN, MARGIN, MARGIN, MARGIN)
    four = cv2.cvtColor(colour, cv2.COLOR_RGB2BGRA if bgr else cv2.COLOR_RGB2RGBA)
    patch = cv2.copyMakeBorder(four, *around, cv2.BORDER_REPLICATE)
    cv2.insertChannel(cv2.copyMakeBorder(mask, *around, cv2.BORDER_CONSTANT, value=0), patch, 3)
    return patch, [[a, b, c - MARGIN * (a + b)], [d, e, f - MARGIN * (d + e)]]


def _halved(pixels: NDArray[np.uint8], beyond: int) -> NDArray[np.uint8]:
    """Half as many rows and columns; an odd one gets a neighbour.

    Halving is area averaging, and a twentieth of the time that OpenCV takes for any other factor.
    """
    height, width = pixels.shape[:2]
    if height % 2 or width % 2:
        pixels = cv2.copyMakeBorder(pixels, 0, height % 2, 0, width % 2, beyond)
    size = pixels.shape[1] // 2, pixels.shape[0] // 2
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)


def _halvings(scale: float) -> int:
    """How often a part is halved before it is drawn at that scale; the same as ``compose`` does with tiles."""
    return min(MAX_HALVINGS, round(-math.log2(scale))) if scale < SHRINK else 0


def _rectangle(
    patch: tuple[int, ...], rows: list[list[float]], shape: tuple[int, int]
) -> tuple[int, int, int, int] | None:
    """Columns and rows of the image, half-open, whose centres the mask can reach; None if there are none."""
    # Bilinear sampling carries the mask half a patch pixel beyond its own box.
    left, top = MARGIN - 0.5, MARGIN - 0.5
    right, bottom = patch[1] - left, patch[0] - top
    box = []
    for (a, b, c), size in zip(rows, (shape[1], shape[0]), strict=True):
        corners = (a * left + b * top, a * right + b * top, a * left + b * bottom, a * right + b * bottom)
        box.append((max(0, math.floor(min(corners) + c - 0.5)), min(size, math.ceil(max(corners) + c + 0.5))))
    (x0, x1), (y0, y1) = box
    return (x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None
