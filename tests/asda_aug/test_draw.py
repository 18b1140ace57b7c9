"""The compiled loops do what OpenCV and NumPy do in their place."""

from __future__ import annotations

import importlib
import math
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from asda_aug import Frame, Placement, forward_matrix
from asda_aug.warp import _rectangle, _reduced, _sample, _sample_compiled
from asda_aug_parts import make_part

draw = pytest.importorskip(
    "asda_aug._draw", reason="the loops are not compiled here: install with a C compiler at hand", exc_type=ImportError
)
paste_module = importlib.import_module("asda_aug.paste")
SIZE = (70, 90)
COARSE = int(cv2.__version__.partition(".")[0]) < 5
"""OpenCV 4 rounds sampling points to 1/32 pixel."""
seeds = st.integers(0, 2**32 - 1)


@settings(max_examples=200, deadline=None)
@given(
    seeds, st.floats(0.05, 4), st.floats(-math.pi, math.pi), st.floats(-1.5, 1.5), st.floats(-1.5, 1.5),
    st.integers(1, 60), st.integers(1, 60), st.booleans(), st.booleans(),
)  # fmt: skip
def test_sampling_equals_opencv(
    seed: int, s: float, r: float, tx: float, ty: float, width: int, height: int, bgr: bool, solid: bool
) -> None:
    part = make_part(np.random.default_rng(seed), width, height, solid=solid)
    matrix = forward_matrix(Placement(s, r, tx, ty), (width, height), 50, Frame.of_image(*SIZE))
    colour, mask, rows = _reduced(part, matrix)
    box = _rectangle(mask.shape, rows, SIZE[::-1])
    if box is None:
        return
    pixels, alpha = _sample_compiled(colour, mask, rows, box, bgr)
    expected, expected_alpha = _sample(colour, mask, rows, box, bgr)
    difference = np.abs(pixels.astype(int) - expected)[(alpha > 0) & (expected_alpha > 0)]
    scale = math.sqrt(abs(np.linalg.det(np.array(rows)[:, :2])))
    slack = 8 + 255 / 16 / min(1, scale) if COARSE else 2
    assert np.abs(alpha.astype(int) - expected_alpha).max() <= slack
    assert difference.max(initial=0) <= slack
    assert not pixels[alpha == 0].any()


def test_whole_pixels_are_copied() -> None:
    part = make_part(np.random.default_rng(0), 30, 20, solid=True)
    colour, alpha = np.full((24, 36, 3), 7, np.uint8), np.full((24, 36), 7, np.uint8)
    draw.warp(part.rgb, part.mask, (1, 0, 12, 0, 1, 33), (10, 30), False, colour, alpha)
    assert np.abs(colour[3:23, 2:32].astype(int) - part.rgb).max() <= 1
    assert (alpha[3:23, 2:32] == 255).all()
    assert np.count_nonzero(alpha) == 600


@pytest.mark.parametrize("row", [(1e-12, 0, 5, 0, 1e-12, 5), (0, 0, 5, 0, 0, 5), (1, 0, math.nan, 0, 1, 0)])
def test_what_is_too_small_to_be_seen_is_transparent(row: tuple[float, ...]) -> None:
    colour, alpha = np.full((4, 5, 3), 7, np.uint8), np.full((4, 5), 7, np.uint8)
    draw.warp(np.ones((3, 3, 3), np.uint8), np.ones((3, 3), bool), row, (0, 0), False, colour, alpha)
    assert not alpha.any()
    assert not colour.any()


@settings(max_examples=200, deadline=None)
@given(seeds, st.integers(1, 40), st.integers(1, 40), st.booleans())
def test_softening_equals_opencv_to_the_bit(seed: int, height: int, width: int, hard: bool) -> None:
    rng = np.random.default_rng(seed)
    alpha = rng.integers(0, 256, (height, width), np.uint8)
    if hard:
        alpha = (alpha > 40).astype(np.uint8) * np.uint8(255)
    expected = cv2.GaussianBlur(cv2.erode(alpha, None), (3, 3), 0, borderType=cv2.BORDER_REPLICATE)
    draw.soften(alpha)
    np.testing.assert_array_equal(alpha, expected)


def window_like(image: NDArray[Any], layout: str) -> NDArray[Any]:
    """The same [H, W, C] values as a window of something larger, laid out in another way."""
    height, width, channels = image.shape
    if layout == "planes":
        window = np.zeros((channels, height + 4, width + 6), image.dtype).transpose(1, 2, 0)[2:-2, 3:-3]
    else:
        window = np.zeros((height + 4, width + 6, channels), image.dtype)[2:-2, 3:-3]
    window = window[::-1, ::-1] if layout == "backwards" else window
    window[...] = image
    return window


@settings(max_examples=60, deadline=None)
@given(
    seeds,
    st.integers(1, 30),
    st.integers(1, 30),
    st.sampled_from([1, 3]),
    st.sampled_from(["pixels", "planes", "backwards"]),
)
def test_blending_equals_the_formula_and_leaves_the_rest(
    seed: int, height: int, width: int, channels: int, layout: str
) -> None:
    rng = np.random.default_rng(seed)
    colour = rng.integers(0, 256, (height, width, channels), np.uint8)
    alpha = rng.integers(0, 256, (height, width), np.uint8)
    alpha[rng.random(alpha.shape) < 0.5] = 0
    alpha[rng.random(alpha.shape) < 0.3] = 255
    share = alpha[..., None] / 255
    gain, offset = rng.uniform(0.01, 0.02, channels).tolist(), rng.uniform(-2, 0, channels).tolist()
    for image, front, tolerance in (
        (rng.integers(0, 256, colour.shape, np.uint8), colour.astype(float), 0.5),
        (rng.uniform(-2, 2, colour.shape).astype(np.float32), colour * gain + offset, 1e-5),
    ):
        window = window_like(image, layout)
        around = window.base
        assert around is not None
        outside = around.sum(dtype=np.float64) - window.sum(dtype=np.float64)
        draw.blend(window, colour, alpha, gain, offset)
        assert np.abs(window - (front * share + image * (1 - share))).max() <= tolerance + 1e-6
        np.testing.assert_array_equal(window[alpha == 0], image[alpha == 0])
        assert around.sum(dtype=np.float64) - window.sum(dtype=np.float64) == pytest.approx(outside, abs=1e-3)


def arrays(**changed: Any) -> tuple[Any, ...]:
    """Arguments of ``warp``, some of them changed."""
    right = {
        "colour": np.zeros((5, 4, 3), np.uint8), "mask": np.ones((5, 4), bool), "matrix": (1, 0, 0, 0, 1, 0),
        "corner": (0, 0), "bgr": False, "out_colour": np.zeros((6, 7, 3), np.uint8),
        "out_alpha": np.zeros((6, 7), np.uint8),
    }  # fmt: skip
    return tuple({**right, **changed}.values())


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("colour", np.zeros((5, 4, 4), np.uint8), ValueError),
        ("colour", np.zeros((5, 5, 3), np.uint8), ValueError),
        ("colour", np.zeros((5, 4, 3), np.float32), ValueError),
        ("colour", np.zeros((5, 8, 3), np.uint8)[:, ::2], ValueError),
        ("mask", np.zeros((5, 4, 1), bool), ValueError),
        ("mask", np.zeros((5, 4), np.int32), ValueError),
        ("matrix", (1, 0, 0), TypeError),
        ("out_colour", np.zeros((6, 6, 3), np.uint8), ValueError),
        ("out_alpha", np.zeros((6, 7), np.float64), ValueError),
        ("out_alpha", b"6 * 7", BufferError),
    ],
)
def test_wrong_arguments_are_refused(name: str, value: Any, error: type[Exception]) -> None:
    draw.warp(*arrays())
    with pytest.raises(error):
        draw.warp(*arrays(**{name: value}))


def test_an_empty_patch_is_refused() -> None:
    with pytest.raises(ValueError, match="empty"):
        draw.warp(*arrays(colour=np.zeros((0, 4, 3), np.uint8), mask=np.zeros((0, 4), bool)))


def test_blending_refuses_what_does_not_fit() -> None:
    window, colour, alpha = np.zeros((3, 4, 3), np.float32), np.zeros((3, 4, 3), np.uint8), np.ones((3, 4), np.uint8)
    ones = (1.0, 1.0, 1.0)
    draw.blend(window, colour, alpha, ones, ones)
    for arguments in (
        (window.astype(np.float64), colour, alpha, ones, ones),
        (window, colour[:2], alpha, ones, ones),
        (window, colour, alpha[:, :3].copy(), ones, ones),
        (window[..., :2], colour[..., :2].copy(), alpha, ones, ones),
        (window, colour, alpha, ones[:2], ones),
    ):
        with pytest.raises(ValueError, match=r"fit|channel"):
            draw.blend(*arguments)
    with pytest.raises(TypeError):
        draw.blend(window, colour, alpha, ("one", 1.0, 1.0), ones)
    with pytest.raises(TypeError):
        draw.blend(window, colour, alpha, None, ones)
    frozen = window.copy()
    frozen.flags.writeable = False
    with pytest.raises((BufferError, ValueError)):
        draw.blend(frozen, colour, alpha, ones, ones)
    for wrong in (np.zeros(4, np.uint8), np.zeros((4, 4), np.float32)):
        with pytest.raises(ValueError, match="bytes"):
            draw.soften(wrong)
