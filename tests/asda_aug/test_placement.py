from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch.nn import functional

from asda_aug import Frame, Placement, forward_matrix, paper_matrix, to_cv2
from asda_aug_parts import make_part

placements = st.builds(
    Placement, st.floats(0.2, 4), st.floats(-math.pi, math.pi), st.floats(-1.5, 1.5), st.floats(-1.5, 1.5)
)
sizes = st.tuples(st.floats(1, 500), st.floats(1, 500))
frames = st.builds(Frame, st.floats(-50, 500), st.floats(-50, 500), st.floats(1, 300), st.floats(1, 300))


@given(placements, sizes, st.floats(1, 900), frames, st.floats(-10, 500), st.floats(-10, 500))
def test_the_matrix_is_the_formula(
    theta: Placement, size: tuple[float, float], diagonal: float, frame: Frame, u: float, v: float
) -> None:
    k = theta.s * diagonal / math.sqrt(size[0] ** 2 + size[1] ** 2)
    du, dv = u - size[0] / 2, v - size[1] / 2
    x = k * (math.cos(theta.r) * du - math.sin(theta.r) * dv) + frame.cx + theta.tx * frame.half_w
    y = k * (math.sin(theta.r) * du + math.cos(theta.r) * dv) + frame.cy + theta.ty * frame.half_h
    np.testing.assert_allclose(forward_matrix(theta, size, diagonal, frame) @ [u, v, 1], [x, y], rtol=1e-9, atol=1e-6)


def test_the_identity_puts_the_middle_on_the_middle_at_the_aligned_size() -> None:
    matrix = forward_matrix(Placement(), (30, 40), 100, Frame.of_image(192, 256))
    np.testing.assert_allclose(matrix @ [15, 20, 1], [96, 128])
    corner, other = matrix @ [0, 0, 1], matrix @ [30, 40, 1]
    assert np.hypot(*(other - corner)) == pytest.approx(100)


def test_turning_is_clockwise_on_screen_and_shifting_is_in_half_frames() -> None:
    frame = Frame.of_image(192, 256)
    right_edge = forward_matrix(Placement(r=math.pi / 2), (20, 20), 20 * math.sqrt(2), frame) @ [20, 10, 1]
    np.testing.assert_allclose(right_edge, [96, 138])
    moved = forward_matrix(Placement(tx=0.5, ty=-0.25), (20, 20), 10, frame) @ [10, 10, 1]
    np.testing.assert_allclose(moved, [96 + 48, 128 - 32])


@given(placements, sizes, st.floats(1, 900))
def test_nothing_is_sheared_on_an_oblong_image(theta: Placement, size: tuple[float, float], diagonal: float) -> None:
    linear = forward_matrix(theta, size, diagonal, Frame.of_image(192, 256))[:, :2]
    values = np.linalg.svd(linear, compute_uv=False)
    assert values[0] == pytest.approx(values[1])
    assert np.linalg.det(linear) > 0


def test_frames_of_boxes() -> None:
    assert Frame.of_box((10, 20, 50, 100)) == Frame(30, 60, 20, 40)
    assert Frame.of_box((10, 20, 50, 100), 1.25) == Frame(30, 60, 25, 50)


@pytest.mark.parametrize(
    ("theta", "size", "diagonal"),
    [
        (Placement(s=0), (10, 10), 5), (Placement(s=-1), (10, 10), 5), (Placement(), (0, 10), 5),
        (Placement(), (10, 10), 0), (Placement(tx=math.nan), (10, 10), 5), (Placement(ty=math.inf), (10, 10), 5),
        (Placement(s=math.nan), (10, 10), 5),
    ],
)  # fmt: skip
def test_impossible_placements_are_refused(theta: Placement, size: tuple[float, float], diagonal: float) -> None:
    with pytest.raises(ValueError, match="must be"):
        forward_matrix(theta, size, diagonal, Frame.of_image(64, 64))


@given(placements, st.integers(20, 60), st.integers(20, 60))
def test_opencv_draws_it_where_the_matrix_says(theta: Placement, width: int, height: int) -> None:
    """A smooth hill, drawn by OpenCV, against the same hill evaluated at the pixels that map there."""

    def hill(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.exp(-(((x - width / 2) / 5) ** 2) - ((y - height / 2) / 5) ** 2)

    theta = theta._replace(s=min(max(theta.s, 0.8), 2.5), tx=theta.tx / 2, ty=theta.ty / 2)
    matrix = forward_matrix(theta, (width, height), math.hypot(width, height), Frame.of_image(192, 160))
    rows, columns = np.mgrid[:height, :width] + 0.5
    drawn = cv2.warpAffine(hill(columns, rows), to_cv2(matrix), (192, 160))
    rows, columns = np.mgrid[:160, :192] + 0.5
    u, v = np.linalg.solve(matrix[:, :2], np.stack([columns.ravel(), rows.ravel()]) - matrix[:, 2:])
    # Bilinear sampling of this hill is wrong by 0.02; half a pixel would make 0.08.
    np.testing.assert_allclose(drawn.ravel(), hill(u, v), atol=0.025)


def test_to_cv2_leaves_its_argument_alone() -> None:
    matrix = forward_matrix(Placement(), (10, 10), 20, Frame.of_image(64, 64))
    before = matrix.copy()
    to_cv2(matrix)
    np.testing.assert_array_equal(matrix, before)


@given(placements)
def test_the_papers_matrix_is_the_inverse_in_normalised_coordinates(theta: Placement) -> None:
    side = 128
    frame = Frame.of_image(side, side)
    forward = np.vstack([forward_matrix(theta, (side, side), side * math.sqrt(2), frame), [0, 0, 1]])
    to_pixels = np.array([[side / 2, 0, side / 2], [0, side / 2, side / 2], [0, 0, 1]])
    normalised = np.linalg.inv(to_pixels) @ forward @ to_pixels
    np.testing.assert_allclose(paper_matrix(theta), np.linalg.inv(normalised)[:2], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    "theta", [Placement(), Placement(1.2, 0.4, 0.1, -0.2), Placement(0.7, -0.6, -0.3, 0.25), Placement(1, 1.5, 0.2, 0)]
)
def test_sampling_with_the_papers_matrix_draws_the_same_picture(theta: Placement) -> None:
    """affine_grid on a canvas that holds the part at its aligned size, against cv2.warpAffine with the forward map."""
    side, part = 96, make_part(np.random.default_rng(0), 40, 30, solid=True)
    canvas = np.zeros((side, side, 3), np.float32)
    canvas[33:63, 28:68] = part.rgb
    h = torch.tensor(paper_matrix(theta))[None].float()
    grid = functional.affine_grid(h, [1, 3, side, side], align_corners=False)
    sampled = functional.grid_sample(
        torch.tensor(canvas).permute(2, 0, 1)[None], grid, mode="bilinear", align_corners=False
    )[0].permute(1, 2, 0)
    matrix = forward_matrix(theta, (side, side), side * math.sqrt(2), Frame.of_image(side, side))
    drawn = cv2.warpAffine(canvas, to_cv2(matrix), (side, side), flags=cv2.INTER_LINEAR)
    # OpenCV 4 rounds sampling points to 1/32 pixel; hard edges of 255 grey levels show it.
    assert np.abs(sampled.numpy() - drawn).max() <= 255 * 2 / 32
