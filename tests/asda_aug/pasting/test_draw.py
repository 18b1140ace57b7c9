"""The compiled loops do what OpenCV and NumPy do in their place."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from asda_aug import Frame, Placement, forward_matrix
from asda_aug.pasting import compiled
from asda_aug.pasting.paste import paste_into
from asda_aug_parts import make_part

draw = pytest.importorskip(
    "asda_aug.pasting._draw",
    reason="the loops are not compiled here: install with a C compiler at hand",
    exc_type=ImportError,
)
COARSE = int(cv2.__version__.partition(".")[0]) < 5
"""OpenCV 4 rounds sampling points to 1/32 pixel."""
ONE, NONE = (1.0, 1.0, 1.0), (0.0, 0.0, 0.0)
seeds = st.integers(0, 2**32 - 1)


@settings(max_examples=200, deadline=None)
@given(
    seeds, st.floats(0.03, 4), st.floats(-math.pi, math.pi), st.floats(-1.5, 1.5), st.floats(-1.5, 1.5),
    st.integers(1, 60), st.integers(1, 60), st.booleans(), st.booleans(), st.booleans(), st.sampled_from(["u1", "f4"]),
    st.sampled_from([1, 3]),
)  # fmt: skip
def test_it_draws_what_opencv_draws(
    seed: int, s: float, r: float, tx: float, ty: float, width: int, height: int, bgr: bool, solid: bool, soft: bool,
    kind: str, channels: int,
) -> None:  # fmt: skip
    rng = np.random.default_rng(seed)
    part = make_part(rng, width, height, solid=solid)
    matrix = forward_matrix(Placement(s, r, tx, ty), (width, height), 50, Frame.of_image(70, 90))
    level = 100 if kind == "u1" else 100 / 255
    image, stack = np.full((90, 70, channels), level, kind), np.full((90, 70), 0.25, np.float32)
    expected, expected_stack = image.copy(), stack.copy()
    arguments = ([(part, matrix)], [float(soft)], None, None, bgr)
    seen = paste_into(image, *arguments, stack)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiled, "COMPILED", False)
        others = paste_into(expected, *arguments, expected_stack)
    scale = abs(np.linalg.det(matrix[:, :2])) ** 0.5
    slack = 8 + 255 / 16 / min(1, scale) if COARSE else 1.01
    unit = 1 if kind == "u1" else 255
    assert seen == others or max(stack.max(), expected_stack.max()) <= 0.25 + slack / 255
    assert np.abs(stack - expected_stack).max() <= slack / 255
    # Where a part is drawn, its share of the image may differ by that, and its colour by that again.
    assert np.abs(image.astype(float) - expected).max() * unit <= 2 * slack


@pytest.mark.parametrize("bgr", [False, True])
@pytest.mark.parametrize("width", [1, 3, 4, 5, 30])
def test_whole_pixels_are_copied(bgr: bool, width: int) -> None:
    part = make_part(np.random.default_rng(0), width, 20, solid=True)
    image, stack = np.full((60, 60, 3), 7, np.uint8), np.zeros((60, 60), np.float32)
    matrix = np.array([[1.0, 0, 12], [0, 1, 33]])
    assert draw.paste(image, part.rgb, part.mask, matrix, False, bgr, ONE, NONE, stack)
    inside = image[33:53, 12 : 12 + width]
    assert np.abs(inside.astype(int) - (part.rgb[..., ::-1] if bgr else part.rgb)).max() <= 1
    assert (stack[33:53, 12 : 12 + width] == 1).all()
    assert stack.sum() == 20 * width
    inside[...] = 7
    assert (image == 7).all()


@settings(max_examples=200, deadline=None)
@given(seeds, st.integers(1, 40), st.integers(1, 40), st.integers(-20, 40), st.integers(-20, 40))
def test_softening_equals_opencv_to_the_bit(seed: int, height: int, width: int, x: int, y: int) -> None:
    """Also where the image's border cuts the part."""
    rng = np.random.default_rng(seed)
    mask = cv2.resize(rng.integers(0, 3, (6, 6), np.uint8), (width, height), interpolation=cv2.INTER_NEAREST) > 0
    whole = np.zeros((120, 120), np.uint8)
    whole[40 + y : 40 + y + height, 40 + x : 40 + x + width] = 255 * mask.astype(np.uint8)
    alpha = whole[40:80, 40:80]
    alpha = cv2.GaussianBlur(cv2.erode(alpha.copy(), None), (3, 3), 0, borderType=cv2.BORDER_REPLICATE)
    image, stack = np.zeros((40, 40, 3), np.uint8), np.zeros((40, 40), np.float32)
    matrix = np.array([[1.0, 0, x], [0, 1, y]])
    colour = np.full((height, width, 3), 255, np.uint8)
    seen = draw.paste(image, colour, mask, matrix, True, False, ONE, NONE, stack)
    assert seen == bool(alpha.any())
    np.testing.assert_array_equal(np.rint(stack * 255), alpha)
    np.testing.assert_array_equal(image, np.repeat(alpha[..., None], 3, axis=2))


@settings(max_examples=100, deadline=None)
@given(seeds, st.integers(1, 40), st.integers(1, 40), st.integers(1, 4))
def test_halving_equals_opencv_to_the_bit(seed: int, height: int, width: int, times: int) -> None:
    rng = np.random.default_rng(seed)
    colour, mask = rng.integers(0, 256, (height, width, 3), np.uint8), rng.random((height, width)) < 0.7
    small, alpha = colour, 255 * mask.astype(np.uint8)
    for _ in range(times):
        rows, columns = small.shape[0] % 2, small.shape[1] % 2
        small = cv2.copyMakeBorder(small, 0, rows, 0, columns, cv2.BORDER_REPLICATE)
        alpha = cv2.copyMakeBorder(alpha, 0, rows, 0, columns, cv2.BORDER_CONSTANT)
        size = (small.shape[1] // 2, small.shape[0] // 2)
        small, alpha = (cv2.resize(each, size, interpolation=cv2.INTER_AREA) for each in (small, alpha))
    image, stack = np.zeros((50, 50, 3), np.float32), np.zeros((50, 50), np.float32)
    matrix = np.array([[0.5**times, 0, 7], [0, 0.5**times, 9]])
    draw.paste(image, colour, mask, matrix, False, False, ONE, NONE, stack)
    at = slice(9, 9 + alpha.shape[0]), slice(7, 7 + alpha.shape[1])
    # Sampling whole pixels takes 65535 / 65536 of them.
    assert np.abs(stack[at] * 255 - alpha).max() <= 1
    expected = small * (alpha[..., None] / 255)
    assert np.abs(image[at] - expected).max() <= 2
    assert stack.sum() == pytest.approx(stack[at].sum(), abs=1e-4)


def window_like(image: NDArray[Any], layout: str) -> NDArray[Any]:
    """The same [H, W, C] values as a window of something larger, laid out in another way."""
    height, width, channels = image.shape
    if layout == "planes":
        window = np.zeros((channels, height + 4, width + 6), image.dtype).transpose(1, 2, 0)[2:-2, 3:-3]
    else:
        window = np.zeros((height + 4, width + 6, channels), image.dtype)[2:-2, 3:-3]
    if layout == "turned":
        window = np.zeros((width + 4, height + 6, channels), image.dtype).transpose(1, 0, 2)[3:-3, 2:-2]
    window = window[::-1, ::-1] if layout == "backwards" else window
    window[...] = image
    return window


@settings(max_examples=60, deadline=None)
@given(
    seeds,
    st.integers(1, 30),
    st.integers(1, 30),
    st.sampled_from(["pixels", "planes", "backwards", "turned"]),
    st.floats(-3, 3),
    st.floats(0.3, 3),
)
def test_blending_equals_the_formula_and_leaves_the_rest(
    seed: int, height: int, width: int, layout: str, r: float, s: float
) -> None:
    rng = np.random.default_rng(seed)
    part = make_part(rng, 20, 15)
    front = rng.integers(0, 256, 3).astype(np.uint8)
    part.rgb[...] = front
    matrix = forward_matrix(Placement(s, r, 0.1, -0.2), (20, 15), 20, Frame.of_image(width, height))
    gain, offset = tuple(rng.uniform(0.01, 0.02, 3).tolist()), tuple(rng.uniform(-2, 0, 3).tolist())
    for image, colour, tolerance in (
        (rng.integers(0, 256, (height, width, 3), np.uint8), front.astype(float), 0.5),
        (rng.uniform(-2, 2, (height, width, 3)).astype(np.float32), front * gain + offset, 1e-5),
    ):
        window, stack = window_like(image, layout), np.zeros((height, width), np.float32)
        around = window.base
        assert around is not None
        outside = around.sum(dtype=np.float64) - window.sum(dtype=np.float64)
        seen = draw.paste(window, part.rgb, part.mask, matrix, True, False, gain, offset, stack)
        assert seen == bool(stack.any())
        share = stack[..., None].astype(float)
        assert np.abs(window - (colour * share + image * (1 - share))).max() <= tolerance + 1e-6
        np.testing.assert_array_equal(window[stack == 0], image[stack == 0])
        assert around.sum(dtype=np.float64) - window.sum(dtype=np.float64) == pytest.approx(outside, abs=1e-3)


@settings(max_examples=40, deadline=None)
@given(seeds, st.integers(8, 40), st.integers(8, 40), st.floats(-3, 3), st.booleans())
def test_floats_are_the_same_to_the_bit_in_every_layout(
    seed: int, height: int, width: int, r: float, soft: bool
) -> None:
    rng = np.random.default_rng(seed)
    part, image = make_part(rng, 20, 15), rng.uniform(-2, 2, (height, width, 3)).astype(np.float32)
    matrix = forward_matrix(Placement(0.8, r), (20, 15), 20, Frame.of_image(width, height))
    windows = [window_like(image, layout) for layout in ("planes", "pixels", "backwards", "turned")]
    for window in windows:
        draw.paste(window, part.rgb, part.mask, matrix, soft, False, (0.01, 0.02, 0.03), (-1.0, -2.0, 0.5), None)
    for window in windows[1:]:
        np.testing.assert_array_equal(window, windows[0])


@pytest.mark.parametrize("width", range(1, 12))
def test_opaque_floats_are_what_the_colours_mean(width: int) -> None:
    rng = np.random.default_rng(width)
    colour, mask = rng.integers(0, 256, (9, width, 3), np.uint8), np.ones((9, width), bool)
    image = np.full((3, 20, 20), np.nan, np.float32)
    gain, offset = (0.01, 0.02, 0.03), (-1.0, -2.0, 0.5)
    draw.paste(image.transpose(1, 2, 0), colour, mask, np.eye(2, 3), False, False, gain, offset, None)
    expected = colour * np.float32(gain) + np.float32(offset)
    np.testing.assert_array_equal(image[:, :9, :width].transpose(1, 2, 0), expected)
    assert np.isnan(image[:, 9:]).all()
    assert np.isnan(image[:, :, width:]).all()


@pytest.mark.parametrize(
    "rows",
    [
        [[1e-12, 0, 5], [0, 1e-12, 5]],
        [[1e-160, 0, 5], [0, 1e-140, 5]],
        [[1, 0, 1e300], [0, 1, -1e300]],
        [[1e150, 0, 1e300], [0, 1e-150, 2]],
        [[1e-9, -1, 1e17], [1, 1e-9, 3]],
    ],
)
def test_what_cannot_be_seen_leaves_the_image_alone(rows: list[list[float]]) -> None:
    image, stack = np.full((40, 50, 3), 7, np.uint8), np.zeros((40, 50), np.float32)
    colour, mask = np.ones((3, 3, 3), np.uint8), np.ones((3, 3), bool)
    assert not draw.paste(image, colour, mask, np.array(rows), True, False, ONE, NONE, stack)
    assert (image == 7).all()
    assert not stack.any()


@pytest.mark.parametrize("scale", [50.0, 1e4, 9e6])
def test_a_part_drawn_huge_fills_the_image(scale: float) -> None:
    image = np.full((40, 50, 3), 7, np.uint8)
    colour, mask = np.full((3, 3, 3), 200, np.uint8), np.ones((3, 3), bool)
    matrix = np.array([[scale, 0, -1.5 * scale], [0, scale, -1.5 * scale]])
    assert draw.paste(image, colour, mask, matrix, True, False, ONE, NONE, None)
    assert (image == 200).all()


def arrays(**changed: Any) -> tuple[Any, ...]:
    """Arguments of ``paste``, some of them changed."""
    right = {
        "image": np.zeros((6, 7, 3), np.uint8), "colour": np.zeros((5, 4, 3), np.uint8), "mask": np.ones((5, 4), bool),
        "matrix": np.eye(2, 3), "soft": True, "bgr": False, "gain": ONE, "offset": NONE,
        "stack": np.zeros((6, 7), np.float32),
    }  # fmt: skip
    return tuple({**right, **changed}.values())


def frozen() -> NDArray[np.uint8]:
    image = np.zeros((6, 7, 3), np.uint8)
    image.flags.writeable = False
    return image


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("image", np.zeros((6, 7, 3), np.float64), ValueError),
        ("image", np.zeros((6, 7, 1), np.uint8), ValueError),
        ("image", np.zeros((6, 7), np.uint8), ValueError),
        ("image", frozen(), (ValueError, BufferError)),
        ("colour", np.zeros((5, 4, 4), np.uint8), ValueError),
        ("colour", np.zeros((5, 5, 3), np.uint8), ValueError),
        ("colour", np.zeros((5, 4, 3), np.float32), ValueError),
        ("colour", np.zeros((5, 8, 3), np.uint8)[:, ::2], (ValueError, BufferError)),
        ("mask", np.zeros((5, 4, 1), bool), ValueError),
        ("mask", np.zeros((5, 4), np.uint8), ValueError),
        ("matrix", np.eye(3), ValueError),
        ("matrix", np.eye(2, 3, dtype=np.float32), ValueError),
        ("matrix", np.zeros((2, 3)), ValueError),
        ("matrix", np.array([[1, 0, math.nan], [0, 1, 0]]), ValueError),
        ("matrix", (1, 0, 0), TypeError),
        ("gain", (1.0, 1.0), ValueError),
        ("gain", [1.0, 1.0, 1.0], TypeError),
        ("offset", ("one", 0.0, 0.0), TypeError),
        ("stack", np.zeros((6, 6), np.float32), ValueError),
        ("stack", np.zeros((6, 7), np.float64), ValueError),
    ],
)
def test_wrong_arguments_are_refused(name: str, value: Any, error: type[Exception]) -> None:
    draw.paste(*arrays())
    with pytest.raises(error):
        draw.paste(*arrays(**{name: value}))


def test_an_empty_patch_is_refused() -> None:
    with pytest.raises(ValueError, match="not empty"):
        draw.paste(*arrays(colour=np.zeros((0, 4, 3), np.uint8), mask=np.zeros((0, 4), bool)))


def test_shares_ask_only_for_what_matters_and_take_any_strides() -> None:
    mask = np.ones((9, 9), bool)[::2, ::-2]
    records = np.zeros(4, [("flag", "u1"), ("xy", "f8", (3,))])
    records["xy"] = [[2.5, 2.5, 7], [2.5, 2.5, 7], [4.9, 2.5, 7], [math.nan, 2, 7]]
    points = records["xy"][:, :2]
    assert not points.flags.aligned
    asked = np.array([True, False, True, True])
    assert draw.shares(mask, np.eye(2, 3), points, asked, (20, 20)) == [(0, 1.0), (2, pytest.approx(0.6))]
    for arguments in (
        (mask.astype(np.uint8), np.eye(2, 3), points, asked, (20, 20)),
        (mask, np.eye(2, 3), points.astype(np.float32), asked, (20, 20)),
        (mask, np.eye(2, 3), points, asked[:3], (20, 20)),
        (mask, np.eye(3), points, asked, (20, 20)),
    ):
        with pytest.raises(ValueError, match=r"must be"):
            draw.shares(*arguments)
