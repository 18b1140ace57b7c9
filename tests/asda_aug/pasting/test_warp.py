from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asda_aug import Frame, Placement, forward_matrix
from asda_aug.pasting.warp import SHRINK, warp
from asda_aug_parts import make_part, place

SHAPE = (90, 70)
PLACEMENTS = st.builds(
    Placement, s=st.floats(0.05, 3), r=st.floats(-4, 4), tx=st.floats(-1.5, 1.5), ty=st.floats(-1.5, 1.5)
)


@given(placement=PLACEMENTS, width=st.integers(1, 90), height=st.integers(1, 90), feather=st.sampled_from([0, 1, 3]))
def test_the_rectangle_lies_inside_the_image_and_holds_all_of_the_part(
    placement: Placement, width: int, height: int, feather: int
) -> None:
    part = make_part(np.random.default_rng(0), width, height, solid=True)
    matrix = forward_matrix(placement, (width, height), 50, Frame.of_image(70, 90))
    warped = warp(part, matrix, SHAPE, feather=feather)
    corners = matrix[:, :2] @ np.array([[0, width, 0, width], [0, 0, height, height]]) + matrix[:, 2:]
    low, high = corners.min(axis=1), corners.max(axis=1)
    if warped is None:
        # Nothing of the part comes within half a pixel of a pixel's centre.
        assert (low > (69.5, 89.5)).any() or (high < 0.5).any() or (high - low < 2).any()
        return
    rows, columns = warped.alpha.shape
    assert warped.colour.shape == (rows, columns, 3)
    assert 0 <= warped.x <= warped.x + columns <= 70
    assert 0 <= warped.y <= warped.y + rows <= 90
    assert (warped.x, warped.y) <= tuple(np.maximum(0, np.floor(low - 0.5) + 1))
    assert warped.x + columns >= min(70, math.floor(high[0]))
    assert warped.y + rows >= min(90, math.floor(high[1]))


@given(placement=PLACEMENTS)
def test_a_part_of_one_colour_has_that_colour_wherever_it_shows(placement: Placement) -> None:
    part = make_part(np.random.default_rng(1))
    part.rgb[:] = (10, 120, 250)
    matrix = forward_matrix(placement, (40, 60), 50, Frame.of_image(70, 90))
    for bgr, colour in ((False, (10, 120, 250)), (True, (250, 120, 10))):
        warped = warp(part, matrix, SHAPE, bgr=bgr)
        if warped is not None:
            assert (warped.colour[warped.alpha > 0] == colour).all()


@pytest.mark.parametrize("odd", [(61, 83), (60, 83), (61, 82), (60, 82)])
@pytest.mark.parametrize("share", [0.9, 0.45, 0.24, 0.11])
def test_the_middle_stays_where_it_is_put_at_any_reduction(odd: tuple[int, int], share: float) -> None:
    width, height = odd
    part = make_part(np.random.default_rng(2), width, height, solid=True)
    part, matrix = place(part, (300, 300), share * math.hypot(width, height))
    assert (share < SHRINK) == (share != 0.9)
    warped = warp(part, matrix, (300, 300), feather=0)
    assert warped is not None
    weight = warped.alpha / 255
    rows, columns = np.mgrid[: weight.shape[0], : weight.shape[1]] + 0.5
    middle = (columns * weight).sum() / weight.sum() + warped.x, (rows * weight).sum() / weight.sum() + warped.y
    np.testing.assert_allclose(middle, (150, 150), atol=0.05)
    assert weight.sum() == pytest.approx(share**2 * width * height, rel=0.04)


def test_a_pattern_finer_than_a_pixel_is_averaged() -> None:
    part = make_part(np.random.default_rng(3), 160, 160, solid=True)
    part.rgb[:] = np.indices((160, 160)).sum(axis=0)[..., None] % 2 * 255
    part, matrix = place(part, (100, 100), 0.25 * math.hypot(160, 160))
    warped = warp(part, matrix, (100, 100))
    assert warped is not None
    inside = warped.colour[warped.alpha == 255].astype(int)
    assert len(inside) > 1000
    assert abs(inside - 127).max() <= 2


@pytest.mark.parametrize("feather", [-1, 15.5, math.nan])
def test_edges_beyond_reason_are_refused(feather: Any) -> None:
    part, matrix = place(make_part(np.random.default_rng(0)), (70, 90), 40)
    with pytest.raises(ValueError, match=r"feather must lie in \[0, 15\] pixels, but got"):
        warp(part, matrix, SHAPE, feather=feather)
