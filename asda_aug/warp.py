"""A part drawn where a matrix puts it: the pixels of the rectangle it covers, and nothing else."""

from __future__ import annotations

import math
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from asda_aug.placement import Matrix
from partpool.part import Part

MARGIN = 2
"""Transparent pixels around a patch before it is warped: bilinear sampling must meet colour and no mask there."""
SHRINK = 0.5
"""A part smaller than this share of its stored size is area-averaged first, because bilinear sampling would skip
pixels."""


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
    if not 0 <= feather <= 15:
        raise ValueError(f"feather must lie in [0, 15] pixels, but got {feather}")
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
    """Colour and mask with a margin, uint8 [h, w, 4], shrunk if need be, and the rows of its matrix."""
    (a, b, c), (d, e, f) = matrix.tolist()
    rgb, mask = part.rgb, part.mask.view(np.uint8) * np.uint8(255)
    scale = math.sqrt(abs(a * e - b * d))
    if scale < SHRINK:
        height, width = mask.shape
        size = max(1, round(scale * width)), max(1, round(scale * height))
        rgb, mask = (cv2.resize(pixels, size, interpolation=cv2.INTER_AREA) for pixels in (rgb, mask))
        a, d = a * width / size[0], d * width / size[0]
        b, e = b * height / size[1], e * height / size[1]
    four = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGRA if bgr else cv2.COLOR_RGB2RGBA)
    margins = (MARGIN, MARGIN, MARGIN, MARGIN)
    patch = cv2.copyMakeBorder(four, *margins, cv2.BORDER_REPLICATE)
    cv2.insertChannel(cv2.copyMakeBorder(mask, *margins, cv2.BORDER_CONSTANT, value=0), patch, 3)
    return patch, [[a, b, c - MARGIN * (a + b)], [d, e, f - MARGIN * (d + e)]]


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
