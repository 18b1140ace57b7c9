"""Windows of 2 × 2 pixels that regions meet in: which regions touch, and how long the contour of any of them is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

MANY = 300
"""Regions from which on pairs are sorted instead of marked in a table."""
WEIGHTS = np.array([1, 2, 4, 8], np.uint8)
"""What a window's pixels add to its pattern: upper left, upper right, lower left, lower right."""
DIAGONAL = float(np.float32(math.sqrt(2)))
"""Length of a diagonal step; OpenCV, too, takes it in 32 bits."""
STEPS = np.zeros((16, 2), np.int64)
"""By the pattern of what lies inside, the straight and diagonal steps of the contours that pass: each goes from pixel
to pixel, along a side or, around a corner, diagonally; where two pixels touch by a corner it passes on both sides."""
STEPS[[0b0011, 0b1100, 0b0101, 0b1010], 0] = 1
STEPS[[0b0111, 0b1011, 0b1101, 0b1110], 1] = 1
STEPS[[0b0110, 0b1001], 1] = 2


@dataclass(frozen=True, slots=True)
class Quads:
    """The windows of a map of regions that hold more than one number; 0 lies all around the map.

    Attributes:
        numbers: The combinations of numbers that occur, [n, 4] in the order of ``WEIGHTS``.
        counts: Windows of each.
        size: All numbers are smaller.
    """

    numbers: NDArray[np.integer]
    counts: NDArray[np.integer]
    size: int

    def touching(self) -> list[tuple[int, int]]:
        """Pairs of regions with 8-neighbouring pixels, smaller number first, sorted."""
        columns = self.numbers.astype(np.int64).T
        one, other = np.concatenate([columns[list(pair)] for pair in combinations(range(4), 2)], axis=1)
        low, high = np.minimum(one, other), np.maximum(one, other)
        codes = (low * self.size + high)[(low > 0) & (low < high)]
        found = np.flatnonzero(np.bincount(codes)) if self.size < MANY else np.unique(codes)
        return [divmod(code, self.size) for code in found.tolist()]

    def steps(self, members: Sequence[int]) -> tuple[int, int]:
        """Straight and diagonal steps of all contours of some regions taken together, outer and inner."""
        inside = np.zeros(self.size, np.uint8)
        inside[list(members)] = 1
        straight, diagonal = (self.counts @ STEPS[inside[self.numbers] @ WEIGHTS]).tolist()
        return straight, diagonal


def contour_length(straight: int, diagonal: int) -> float:
    """Length of contours, as closed chains of pixels."""
    return straight + diagonal * DIAGONAL


def find_quads(ids: NDArray[np.integer], size: int) -> Quads:
    """The windows that regions meet in.

    Args:
        ids: Number of the region at each pixel, 0 where there is none, [h, w].
        size: All numbers are smaller.
    """
    height, width = ids.shape
    # One column of zeros stands between the end of a row and the beginning of the next.
    padded = np.zeros((height + 2, width + 1), ids.dtype)
    padded[1:-1, :-1] = ids
    flat, corners = padded.ravel(), (0, 1, width + 1, width + 2)
    count = (height + 1) * (width + 1) - 1
    first, right, below, across = (flat[corner : corner + count] for corner in corners)
    windows = np.flatnonzero((first != right) | (first != below) | (first != across))
    return Quads(*_distinct_rows(np.stack([flat[windows + corner] for corner in corners], axis=1)), size)


def _distinct_rows(rows: NDArray[np.integer]) -> tuple[NDArray[np.integer], NDArray[np.integer]]:
    """Rows of four, and how often each occurs."""
    if rows.dtype != np.uint8:
        # With so many regions few rows are equal.
        return rows, np.ones(len(rows), np.int64)
    # Four bytes are sorted as one number.
    packed, counts = np.unique(rows.view(np.uint32), return_counts=True)
    return packed.view(np.uint8).reshape(-1, 4), counts
