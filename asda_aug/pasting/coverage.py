"""Which keypoints pasted parts cover. The hard mask decides: the soft edge is for pixels, not for labels."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from asda_aug.pasting import compiled
from asda_aug.pasting.paste import Pasted
from asda_aug.placement import Matrix, checked_matrix

COVERED = 0.5
"""A keypoint is covered if more than this share of its surroundings is."""


def coverage(pasted: Pasted, points: ArrayLike, shape: tuple[int, int]) -> NDArray[np.float32]:
    """How much the parts cover each point: the mask, sampled bilinearly where the point is, the largest of all parts.

    Args:
        pasted: Parts and their matrices, as :func:`~asda_aug.pasting.paste.paste` takes them.
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
    covered, asked = np.zeros(len(points), np.float32), np.ones(len(points), np.bool_)
    for part, matrix in pasted:
        for index, share in shares(part.mask, matrix, points, asked, shape):
            covered[index] = max(covered[index], share)
    return covered


def shares(
    mask: NDArray[np.bool_],
    matrix: Matrix,
    points: NDArray[np.float64],
    asked: NDArray[np.bool_],
    shape: tuple[int, int],
) -> list[tuple[int, float]]:
    """Index and covered share, 0 to 1, of every point that a part's patch can reach.

    Args:
        mask: Of the part, bool [h, w].
        matrix: Where it goes, float64 [2, 3].
        points: x and y of each point in pixels of the image, float64 [n, 2].
        asked: Which of them matter, bool [n].
        shape: Height and width of the image.
    """
    find = compiled.loops.shares if compiled.COMPILED else _shares
    return find(np.asarray(mask, np.bool_), np.ascontiguousarray(matrix, np.float64), points, asked, shape)


def _shares(
    mask: NDArray[np.bool_],
    matrix: Matrix,
    points: NDArray[np.float64],
    asked: NDArray[np.bool_],
    shape: tuple[int, int],
) -> list[tuple[int, float]]:
    (a, b, c), (d, e, f) = checked_matrix(matrix)
    area = a * e - b * d
    rows, columns = mask.shape
    height, width = shape
    found = []
    # For the few keypoints of a person a plain loop is faster than arrays.
    for index, ((x, y), wanted) in enumerate(zip(points.tolist(), asked.tolist(), strict=True)):
        if not (wanted and 0 <= x < width and 0 <= y < height):
            continue
        # Patch coordinates with pixel centres at integers.
        u, v = (e * (x - c) - b * (y - f)) / area - 0.5, (a * (y - f) - d * (x - c)) / area - 0.5
        if -1 < u < columns and -1 < v < rows:
            found.append((index, _bilinear(mask, u, v)))
    return found


def _bilinear(mask: NDArray[np.bool_], u: float, v: float) -> float:
    column, row = math.floor(u), math.floor(v)
    right, down = u - column, v - row
    total = 0.0
    around = mask[max(row, 0) : row + 2, max(column, 0) : column + 2].tolist()
    for line, weight in zip(around, (1 - down, down)[row < 0 :], strict=False):
        for inside, share in zip(line, (1 - right, right)[column < 0 :], strict=False):
            total += inside * share * weight
    return total
