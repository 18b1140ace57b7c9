"""Which keypoints pasted parts cover. The hard mask decides: the soft edge is for pixels, not for labels."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from asda_aug.paste import Pasted
from asda_aug.placement import Matrix, checked_matrix

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
    for part, matrix in pasted:
        for index, share in shares(part.mask, matrix, points.tolist(), shape):
            covered[index] = max(covered[index], share)
    return covered


def shares(
    mask: NDArray[np.bool_], matrix: Matrix, points: Sequence[Sequence[float]], shape: tuple[int, int]
) -> Iterator[tuple[int, float]]:
    """Index and covered share, 0 to 1, of every point that a part's patch can reach.

    Args:
        mask: Of the part, bool [h, w].
        matrix: Where it goes, float64 [2, 3].
        points: x and y of each point in pixels of the image.
        shape: Height and width of the image.
    """
    (a, b, c), (d, e, f) = checked_matrix(matrix)
    area = a * e - b * d
    ux, uy, vx, vy = e / area, -b / area, -d / area, a / area
    rows, columns = mask.shape
    height, width = shape
    # For the few keypoints of a person a plain loop is faster than arrays.
    for index, (x, y) in enumerate(points):
        # Patch coordinates with pixel centres at integers.
        u = ux * (x - c) + uy * (y - f) - 0.5
        if -1 < u < columns:
            v = vx * (x - c) + vy * (y - f) - 0.5
            if -1 < v < rows and 0 <= x < width and 0 <= y < height:
                yield index, _bilinear(mask, u, v)


def _bilinear(mask: NDArray[np.bool_], u: float, v: float) -> float:
    column, row = math.floor(u), math.floor(v)
    right, down = u - column, v - row
    total = 0.0
    around = mask[max(row, 0) : row + 2, max(column, 0) : column + 2].tolist()
    for line, weight in zip(around, (1 - down, down)[row < 0 :], strict=False):
        for inside, share in zip(line, (1 - right, right)[column < 0 :], strict=False):
            total += inside * share * weight
    return total
