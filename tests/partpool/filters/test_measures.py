"""Raggedness and border share, on shapes whose values are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from partpool.filters.measures import Box, border_share, raggedness
from partpool.segment.contours import contour_length, find_quads


def ragged(mask: NDArray[np.uint8]) -> float:
    return raggedness(contour_length(*find_quads(mask, 256).steps([255])), int(np.count_nonzero(mask)))


def test_raggedness_of_a_disc_and_a_comb() -> None:
    rows, columns = np.mgrid[0:101, 0:101]
    disc = np.where((rows - 50) ** 2 + (columns - 50) ** 2 <= 45**2, 255, 0).astype(np.uint8)
    assert ragged(disc) == pytest.approx(1.1, abs=0.1)
    comb = np.zeros((100, 101), np.uint8)
    comb[:10] = 255
    comb[:, ::4] = 255
    assert ragged(comb) > 50


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ((5, 5, 15, 15), 0.0),
        ((0, 5, 10, 15), 10 / 36),
        ((0, 0, 10, 10), 19 / 36),
        ((10, 10, 20, 20), 19 / 36),
    ],
)
def test_border_share_of_a_square(box: Box, expected: float) -> None:
    assert border_share(np.full((10, 10), 255, np.uint8), box, (20, 20)) == pytest.approx(expected)


def test_border_share_of_a_full_picture() -> None:
    assert border_share(np.full((7, 9), 255, np.uint8), (0, 0, 9, 7), (9, 7)) == 1.0


@given(st.integers(1, 12), st.integers(1, 12), st.tuples(*[st.integers(0, 1)] * 4), st.integers(0, 2**32 - 1))
def test_border_share_counts_border_pixels_one_by_one(
    height: int, width: int, margins: tuple[int, int, int, int], seed: int
) -> None:
    mask = np.random.default_rng(seed).random((height, width)) < 0.6
    left, top, right, bottom = margins
    rim = on_frame = 0
    padded = np.pad(mask, 1)
    for row, column in np.argwhere(mask):
        if padded[row : row + 3, column : column + 3].all():
            continue
        rim += 1
        sides = (column == 0 and not left, row == 0 and not top)
        ends = (column == width - 1 and not right, row == height - 1 and not bottom)
        on_frame += any((*sides, *ends))
    box, size = (left, top, left + width, top + height), (left + width + right, top + height + bottom)
    found = border_share(np.where(mask, 255, 0).astype(np.uint8), box, size)
    assert found == pytest.approx(on_frame / rim if rim else 0)
