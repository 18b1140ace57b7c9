"""Which keypoints pasted parts cover. The hard mask decides: the soft edge is for pixels, not for labels."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from asda_aug.paste import Pasted
from asda_aug.placement import checked_matrix

COVERED = 0.5
"""A keypoint is covered if more than this share of its surroundings is."""


def coverage(pasted: Pasted, points: ArrayLike, shape: tuple[int, int]) -> NDArray[np.float32]:
    """How much the parts cover each point: the mask, sampled bilinearly where the point is, the largest of all parts.

    Args:
        pasted: Parts and their matrices, as :func:`~asda_aug.paste.paste` takes them.
        points: Pixels of the image, pixel centres at +½, float [K, 2].
        shape: Height and width of the image; points outside are not covered.

    Returns:
        float32 [K] in [0, 1].

    Raises:
        ValueError: If ``points`` has another shape, or a matrix maps a plane onto a line or is not finite.
    """
    points = np.asarray(points, np.float64)
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError(f"points must have shape (K, 2), but got {points.shape}")
    covered = np.zeros(len(points), np.float32)
    height, width = shape
    for part, matrix in pasted:
        (a, b, c), (d, e, f) = checked_matrix(matrix)
        area = a * e - b * d
        rows, columns = part.mask.shape
        # For the few keypoints of a person a plain loop is faster than arrays.
        for index, (x, y) in enumerate(points.tolist()):
            # Patch coordinates with pixel centres at integers.
            u = (e * (x - c) - b * (y - f)) / area - 0.5
            v = (a * (y - f) - d * (x - c)) / area - 0.5
            if -1 < u < columns and -1 < v < rows and 0 <= x < width and 0 <= y < height:
                covered[index] = max(covered[index], _bilinear(part.mask, u, v))
    return covered


def _bilinear(mask: NDArray[np.bool_], u: float, v: float) -> float:
    height, width = mask.shape
    column, row = math.floor(u), math.floor(v)
    right, down = u - column, v - row
    total = 0.0
    for y, wy in ((row, 1 - down), (row + 1, down)):
        for x, wx in ((column, 1 - right), (column + 1, right)):
            if 0 <= x < width and 0 <= y < height and mask[y, x]:
                total += wx * wy
    return total
