from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from asda_aug import Placement, coverage
from asda_aug_parts import make_part, place

pytestmark = pytest.mark.usefixtures("loops")

placements = st.builds(
    Placement, st.floats(0.1, 3), st.floats(-math.pi, math.pi), st.floats(-1.2, 1.2), st.floats(-1.2, 1.2)
)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.lists(placements, max_size=3))
def test_it_is_the_mask_sampled_at_each_point(seed: int, thetas: list[Placement]) -> None:
    rng = np.random.default_rng(seed)
    pasted = [place(make_part(rng, *rng.integers(3, 60, 2).tolist()), (90, 70), 50, theta) for theta in thetas]
    points = rng.uniform(-20, 110, (40, 2))
    expected = np.zeros(40)
    for part, matrix in pasted:
        u, v = np.linalg.solve(matrix[:, :2], points.T - matrix[:, 2:]) - 0.5
        share = ndimage.map_coordinates(part.mask.astype(float), [v, u], order=1, mode="grid-constant")
        expected = np.maximum(expected, share)
    expected[((points < 0) | (points >= (90, 70))).any(axis=1)] = 0
    found = coverage(pasted, points, (70, 90))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_points_that_are_nowhere_are_not_covered() -> None:
    pasted = [place(make_part(np.random.default_rng(0)), (40, 40), 500)]
    points = [[20, 20], [math.nan, 20], [20, math.inf], [-1, 20], [20, 40]]
    assert coverage(pasted, points, (40, 40)).tolist() == [1, 0, 0, 0, 0]


def test_no_points_and_no_parts() -> None:
    assert coverage([], np.zeros((3, 2)), (10, 10)).tolist() == [0, 0, 0]
    assert coverage([], np.zeros((0, 2)), (10, 10)).shape == (0,)


@pytest.mark.parametrize("points", [np.zeros(2), np.zeros((3, 3)), np.zeros((1, 3, 2))])
def test_other_shapes_are_refused(points: object) -> None:
    with pytest.raises(ValueError, match=r"\(K, 2\)"):
        coverage([], points, (10, 10))
