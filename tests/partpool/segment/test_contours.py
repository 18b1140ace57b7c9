"""Windows of 2 x 2 pixels, against OpenCV's contours and a look at every pair of neighbours."""

from __future__ import annotations

from itertools import product

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from partpool.segment.contours import contour_length, find_quads


@st.composite
def region_maps(draw: st.DrawFn) -> NDArray[np.uint8]:
    """A random map of up to six numbers, 0 among them."""
    shape = draw(st.tuples(st.integers(1, 16), st.integers(1, 16)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    background = draw(st.floats(0, 0.95))
    return np.where(rng.random(shape) < background, 0, rng.integers(0, 6, shape)).astype(np.uint8)


@pytest.mark.parametrize("dtype", [np.uint8, np.int32])
@given(ids=region_maps(), members=st.lists(st.integers(1, 5), min_size=1, unique=True))
def test_contours_are_as_long_as_those_that_opencv_follows(
    dtype: type[np.integer], ids: NDArray[np.uint8], members: list[int]
) -> None:
    mask = np.isin(ids, members).astype(np.uint8)
    contours, _ = cv2.findContours(np.pad(mask, 1), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    expected = sum(cv2.arcLength(contour, closed=True) for contour in contours)
    found = find_quads(ids.astype(dtype), 6).steps(members)
    assert contour_length(*found) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("dtype", [np.uint8, np.int32])
@pytest.mark.parametrize("size", [6, 1000])
@given(ids=region_maps())
def test_regions_with_neighbouring_pixels_touch(dtype: type[np.integer], size: int, ids: NDArray[np.uint8]) -> None:
    padded = np.pad(ids, 1)
    shifts = [s for s in product((-1, 0, 1), repeat=2) if s != (0, 0)]
    pairs = {
        (int(one), int(other))
        for dy, dx in shifts
        for one, other in zip(padded.ravel(), np.roll(padded, (dy, dx), (0, 1)).ravel(), strict=True)
        if 0 < one < other
    }
    assert find_quads(ids.astype(dtype), size).touching() == sorted(pairs)
