"""Which keypoints pasted parts cover. The hard mask decides: the soft edge is for pixels, not for labels."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from asda_aug.paste import Pasted
from asda_aug.placement import Matrix
from partpool.part import Part

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
        ValueError: If ``points`` has another shape.
    """
    points = np.asarray(points, np.float64)
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError(f"points must have shape (K, 2), but got {points.shape}")
    covered = np.zeros(len(points), np.float32)
    for part, matrix in pasted:
        np.maximum(covered, _mask_at(part, matrix, points), out=covered)
    if pasted:
        x, y = points[:, 0], points[:, 1]
        covered[~((x >= 0) & (y >= 0) & (x < shape[1]) & (y < shape[0]))] = 0
    return covered


def _mask_at(part: Part, matrix: Matrix, points: NDArray[np.float64]) -> NDArray[np.float32]:
    (a, b, c), (d, e, f) = matrix.tolist()
    area = a * e - b * d
    x, y = points[:, 0] - c, points[:, 1] - f
    # Patch coordinates with pixel centres at integers.
    u, v = (e * x - b * y) / area - 0.5, (a * y - d * x) / area - 0.5
    height, width = part.mask.shape
    result = np.zeros(len(points), np.float32)
    near = np.flatnonzero((u > -1) & (v > -1) & (u < width) & (v < height))
    for index in near.tolist():
        result[index] = _bilinear(part.mask, float(u[index]), float(v[index]))
    return result


def _bilinear(mask: NDArray[np.bool_], u: float, v: float) -> float:
    height, width = mask.shape
    column, row = int(u // 1), int(v // 1)
    right, down = u - column, v - row
    total = 0.0
    for y, wy in ((row, 1 - down), (row + 1, down)):
        for x, wx in ((column, 1 - right), (column + 1, right)):
            if 0 <= x < width and 0 <= y < height and mask[y, x]:
                total += wx * wy
    return total
