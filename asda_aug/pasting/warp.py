"""A part drawn where a matrix puts it: the pixels of the rectangle it covers, and nothing else."""

from __future__ import annotations

import math
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from asda_aug.placement import Matrix, checked_matrix
from partpool.pool.part import Part

MatrixRows = tuple[tuple[float, float, float], tuple[float, float, float]]
Rectangle = tuple[int, int, int, int]
"""x0 y0 x1 y1 in pixels, half-open."""
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
    colour, mask, rows = _reduced(part, matrix)
    box = _rectangle(mask.shape, rows, shape)
    if box is None:
        return None
    colour, alpha = _sample(colour, mask, rows, box, bgr)
    if radius:
        side = 2 * radius + 1
        alpha = cv2.erode(alpha, None if radius == 1 else np.ones((side, side), np.uint8))
        alpha = cv2.GaussianBlur(alpha, (side, side), 0, borderType=cv2.BORDER_REPLICATE)
    return Warped(box[0], box[1], colour, alpha)


def _reduced(part: Part, matrix: Matrix) -> tuple[NDArray[np.uint8], NDArray[np.uint8], MatrixRows]:
    """Colour and mask, halved as often as need be, and the rows of their matrix; the mask is 0 … 255."""
    (a, b, c), (d, e, f) = checked_matrix(matrix)
    colour: NDArray[np.uint8] = part.rgb
    mask = np.asarray(part.mask, np.bool_).view(np.uint8) * np.uint8(255)
    halvings = _halvings(math.sqrt(abs(a * e - b * d)))
    for _ in range(halvings):
        colour, mask = _halved(colour, cv2.BORDER_REPLICATE), _halved(mask, cv2.BORDER_CONSTANT)
        a, b, d, e = 2 * a, 2 * b, 2 * d, 2 * e
    return colour, mask, ((a, b, c), (d, e, f))


def _sample(
    colour: NDArray[np.uint8], mask: NDArray[np.uint8], rows: MatrixRows, box: Rectangle, bgr: bool
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Colour uint8 [h, w, 3] and mask uint8 [h, w] of a rectangle of the image, before its edge is softened."""
    around = (MARGIN, MARGIN, MARGIN, MARGIN)
    four = cv2.cvtColor(colour, cv2.COLOR_RGB2BGRA if bgr else cv2.COLOR_RGB2RGBA)
    patch = cv2.copyMakeBorder(four, *around, cv2.BORDER_REPLICATE)
    cv2.insertChannel(cv2.copyMakeBorder(mask, *around, cv2.BORDER_CONSTANT, value=0), patch, 3)
    x0, y0, x1, y1 = box
    # Pixel centres at integers, as OpenCV counts, and the corners of margin and rectangle at 0.
    local = np.array([
        [a, b, c + (a + b) * (0.5 - MARGIN) - 0.5 - first] for (a, b, c), first in zip(rows, (x0, y0), strict=True)
    ])  # fmt: skip
    pixels = cv2.warpAffine(patch, local, (x1 - x0, y1 - y0), flags=cv2.INTER_LINEAR)
    return cv2.cvtColor(pixels, cv2.COLOR_RGBA2RGB), cv2.extractChannel(pixels, 3)


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


def _rectangle(patch: tuple[int, ...], rows: MatrixRows, shape: tuple[int, int]) -> Rectangle | None:
    """Columns and rows of the image, half-open, whose centres the mask can reach; None if there are none."""
    # Bilinear sampling carries the mask half a patch pixel beyond its own box.
    half_h, half_w = (patch[0] + 1) / 2, (patch[1] + 1) / 2
    (a, b, c), (d, e, f) = rows
    x, reach_x = a * patch[1] / 2 + b * patch[0] / 2 + c, abs(a) * half_w + abs(b) * half_h
    y, reach_y = d * patch[1] / 2 + e * patch[0] / 2 + f, abs(d) * half_w + abs(e) * half_h
    x0, x1 = max(0, math.floor(x - reach_x - 0.5)), min(shape[1], math.ceil(x + reach_x + 0.5))
    y0, y1 = max(0, math.floor(y - reach_y - 0.5)), min(shape[0], math.ceil(y + reach_y + 0.5))
    return (x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None
