from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from asda_aug import Placement, coverage, paste
from asda_aug_parts import make_part, picture, place
from oracles import pasting
from partpool import Part

pytestmark = pytest.mark.usefixtures("loops")

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
TOLERANCE = 2 if int(cv2.__version__.partition(".")[0]) >= 5 else 8
"""Grey levels; OpenCV 4 rounds sampling points to 1/32 pixel."""
placements = st.builds(
    Placement, st.floats(0.55, 2.5), st.floats(-math.pi, math.pi), st.floats(-1.2, 1.2), st.floats(-1.2, 1.2)
)


def oracle(
    image: NDArray[Any], pasted: list[tuple[Part, NDArray[np.float64]]], feather: float = 1
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    layers = [(part.rgb.astype(float), part.mask.astype(float), matrix) for part, matrix in pasted]
    return pasting.paste(image, layers, feather)


def away_from_edges(pasted: list[tuple[Part, NDArray[np.float64]]], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Pixels more than 3 from the outline of any part."""
    near = np.zeros(shape[:2], bool)
    for part, matrix in pasted:
        _, hard = pasting.render(part.rgb.astype(float), part.mask.astype(float), matrix, shape[:2], 0)
        inside = (hard > 0.5).astype(np.uint8)
        band = cv2.dilate(inside, np.ones((7, 7))) - cv2.erode(inside, np.ones((7, 7)))
        near |= band > 0
    return ~near


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32 - 1), st.lists(placements, min_size=1, max_size=3), st.integers(8, 130), st.integers(8, 130),
    st.integers(5, 90), st.integers(5, 90), st.sampled_from([0, 1, 2]),
)  # fmt: skip
def test_it_equals_the_oracle(
    seed: int, thetas: list[Placement], width: int, height: int, part_width: int, part_height: int, feather: int
) -> None:
    rng = np.random.default_rng(seed)
    image = picture(rng, width, height)
    parts = [make_part(rng, part_width, part_height) for _ in thetas]
    diagonal = math.hypot(part_width, part_height)
    pasted = [place(part, (width, height), diagonal, theta) for part, theta in zip(parts, thetas, strict=True)]
    result, alpha = paste(image, pasted, feather=feather)
    expected, expected_alpha = oracle(image, pasted, feather)
    away = away_from_edges(pasted, image.shape)
    # Noise behind a soft edge, and OpenCV 4's coarse sampling points, are for the band.
    assert np.abs(result - expected)[away].max(initial=0) <= TOLERANCE
    assert np.abs(alpha - expected_alpha)[away].max(initial=0) <= 0.02
    assert np.abs(alpha - expected_alpha).mean() < 0.01


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), placements, st.sampled_from(["f4", "f8", "f2"]), st.booleans())
def test_all_kinds_of_images_get_the_same_picture(
    loops: str, seed: int, theta: Placement, kind: str, bgr: bool
) -> None:
    # Other kinds than bytes and 32-bit floats are left to OpenCV.
    slack = 0 if loops == "opencv" or kind == "f4" else TOLERANCE
    rng = np.random.default_rng(seed)
    image, part = picture(rng, 70, 50), make_part(rng)
    pasted = [place(part, (70, 50), 60, theta)]
    expected = paste(image, pasted)[0]

    chw, alpha = paste(np.ascontiguousarray(image.transpose(2, 0, 1)), pasted)
    np.testing.assert_array_equal(chw.transpose(1, 2, 0), expected)
    assert alpha.shape == (50, 70)
    swapped = paste(np.ascontiguousarray(image[..., ::-1]), pasted, bgr=True)[0]
    np.testing.assert_array_equal(swapped[..., ::-1], expected)

    colours = image[..., ::-1] if bgr else image
    unit = (colours / 255).astype(kind)
    drawn = paste(unit, pasted, bgr=bgr)[0]
    assert drawn.dtype == np.dtype(kind)
    wanted = (expected[..., ::-1] if bgr else expected) / 255
    assert np.abs(drawn - wanted).max() <= (1.1 + slack) / 255
    normal = ((colours / 255 - MEAN) / STD).astype(kind).transpose(2, 0, 1)
    drawn = paste(normal, pasted, mean=MEAN, std=STD, bgr=bgr)[0].transpose(1, 2, 0)
    assert np.abs(drawn.astype(float) * STD + MEAN - wanted).max() <= (1.5 + slack) / 255


def test_grey_images() -> None:
    rng = np.random.default_rng(1)
    image, part = rng.integers(0, 256, (50, 70), np.uint8), make_part(rng)
    pasted = [place(part, (70, 50), 60)]
    result, alpha = paste(image, pasted, feather=0)
    luminance = part.rgb @ [0.299, 0.587, 0.114]
    expected, _ = pasting.paste(
        image[..., None], [(luminance[..., None], part.mask.astype(float), pasted[0][1])], feather=0
    )
    assert np.abs(result - expected[..., 0])[away_from_edges(pasted, image.shape)].max() <= TOLERANCE
    np.testing.assert_array_equal(paste(image[..., None], pasted, feather=0)[0][..., 0], result)
    np.testing.assert_array_equal(paste(image[None], pasted, feather=0)[0][0], result)
    assert alpha.max() == 1


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), placements, st.sampled_from(["u1", "f4", "f8"]), st.booleans())
def test_nothing_outside_the_part_changes(seed: int, theta: Placement, kind: str, planes_first: bool) -> None:
    rng = np.random.default_rng(seed)
    image = picture(rng, 64, 48) if kind == "u1" else rng.normal(0, 30, (48, 64, 3)).astype(kind)
    if planes_first:
        image = image.transpose(2, 0, 1)
    before = image.copy()
    result, alpha = paste(image, [place(make_part(rng), (64, 48), 50, theta)])
    np.testing.assert_array_equal(image, before)
    untouched = alpha == 0
    last = np.moveaxis(result, 0, -1) if planes_first else result
    old = np.moveaxis(before, 0, -1) if planes_first else before
    np.testing.assert_array_equal(last[untouched], old[untouched])
    assert result.strides == image.strides
    assert (result.dtype, result.shape) == (image.dtype, image.shape)


@pytest.mark.parametrize("level", [0, 30, 128, 255])
@pytest.mark.parametrize("scale", [0.3, 0.45, 0.9, 1.7])
@pytest.mark.parametrize("feather", [0, 1, 3])
def test_no_rim_on_a_background_of_its_own_colour(level: int, scale: float, feather: int) -> None:
    part = make_part(np.random.default_rng(0))
    part = replace(part, rgb=np.full_like(part.rgb, level))
    image = np.full((120, 120, 3), level, np.uint8)
    placed = place(part, (120, 120), math.hypot(40, 60), Placement(scale, 0.5))
    for pixels, mean, std in ((image, None, None), ((image / 255).astype(np.float32), None, None)):
        result, alpha = paste(pixels, [placed], feather=feather, mean=mean, std=std)
        assert alpha.max() > 0.5
        unit = 1 if pixels.dtype == np.uint8 else 255
        assert np.abs(result.astype(float) * unit - level).max() <= 2


def test_real_colours_make_no_rim_either(shared_pool_part: Part) -> None:
    """A stored part on the mean colour of its own rim: its soft edge is no darker and no brighter than that.

    With black outside the mask, as patches are usually cut, it would be.
    """
    part = shared_pool_part
    rim = part.mask & ~ndimage.binary_erosion(part.mask, iterations=4)
    colours = part.rgb[rim]
    image = np.empty((160, 160, 3), np.uint8)
    image[:] = np.rint(colours.mean(axis=0))

    def darkening(each: Part) -> float:
        placed = [place(each, (160, 160), 90, Placement(r=0.4))]
        result, alpha = paste(image, placed, feather=0)
        soft = result[(alpha > 0.02) & (alpha < 0.98)]
        assert len(soft) > 50
        return float(colours.mean() - soft.mean())

    black = replace(part, rgb=part.rgb * part.mask[..., None])
    assert abs(darkening(part)) < 2
    assert darkening(black) > 5


def test_fine_patterns_do_not_alias_when_a_part_shrinks() -> None:
    stripes = np.zeros((200, 200, 3), np.uint8)
    stripes[:, ::2] = 255
    part = replace(make_part(np.random.default_rng(0), 200, 200, solid=True), rgb=stripes)
    image = np.zeros((64, 64, 3), np.uint8)
    for scale in (0.1, 0.23, 0.35, 0.49):
        result, alpha = paste(image, [place(part, (64, 64), scale * math.hypot(200, 200), Placement(r=0.3))], feather=0)
        inside = cv2.erode((alpha > 0.99).astype(np.uint8), np.ones((3, 3))) > 0
        assert inside.sum() > 50
        # The pattern is too fine to be seen: what is left of it must be small.
        assert result[inside].std() < 30


def test_a_shrunk_part_equals_the_averaging_oracle() -> None:
    rng = np.random.default_rng(3)
    image, part = picture(rng, 90, 90), make_part(rng, 300, 200)
    pasted = [place(part, (90, 90), 0.2 * math.hypot(300, 200), Placement(r=0.2, tx=0.1))]
    result, _ = paste(image, pasted)
    expected, _ = oracle(image, pasted)
    assert np.abs(result - expected)[away_from_edges(pasted, image.shape)].max() <= 8


@pytest.mark.parametrize("theta", [Placement(tx=3), Placement(ty=-3), Placement(tx=2, ty=2, r=1), Placement(tx=1e6)])
def test_a_part_beside_the_image_changes_nothing(theta: Placement) -> None:
    rng = np.random.default_rng(0)
    image = picture(rng, 64, 48)
    result, alpha = paste(image, [place(make_part(rng), (64, 48), 30, theta)])
    np.testing.assert_array_equal(result, image)
    assert not alpha.any()


def test_nothing_to_paste_returns_the_same_object() -> None:
    image = picture(np.random.default_rng(0), 20, 10)
    result, alpha = paste(image, [])
    assert result is image
    assert alpha.shape == (10, 20)
    assert not alpha.any()


def test_later_parts_lie_over_earlier_ones() -> None:
    rng = np.random.default_rng(0)
    image = picture(rng, 60, 60)
    below, above = (place(replace(make_part(rng, solid=True), rgb=np.full((60, 40, 3), level, np.uint8)), (60, 60), 60)
                    for level in (10, 200))  # fmt: skip
    assert paste(image, [below, above])[0][30, 30].tolist() == [200] * 3
    assert paste(image, [above, below])[0][30, 30].tolist() == [10] * 3


def test_in_place_and_into_another_array() -> None:
    rng = np.random.default_rng(0)
    image, pasted = picture(rng, 60, 60), [place(make_part(rng), (60, 60), 50)]
    expected, _ = paste(image, pasted)
    other = np.zeros_like(image)
    assert paste(image, pasted, out=other)[0] is other
    np.testing.assert_array_equal(other, expected)
    assert paste(image, pasted, out=image)[0] is image
    np.testing.assert_array_equal(image, expected)
    assert paste(image, [], out=other)[0] is other


def test_feather_can_differ_from_part_to_part() -> None:
    rng = np.random.default_rng(0)
    image, parts = picture(rng, 120, 60), [make_part(rng, 20, 20, solid=True) for _ in range(2)]
    pasted = [place(part, (120, 60), 30, Placement(tx=tx)) for part, tx in zip(parts, (-0.5, 0.5), strict=True)]
    _, alpha = paste(image, pasted, feather=[0, 3])
    left, right = alpha[:, :60], alpha[:, 60:]
    # At hard edges alpha takes few values between nothing and all.
    assert len(np.unique(left)) < 10 < len(np.unique(right))


@pytest.mark.parametrize(
    ("image", "options", "error", "message"),
    [
        ([[1, 2]], {}, TypeError, "uint8 or floats, but got list"),
        (np.zeros((8, 8, 3), np.int32), {}, TypeError, "dtype int32"),
        (np.zeros((8, 8, 4), np.uint8), {}, ValueError, r"\(8, 8, 4\)"),
        (np.zeros((2, 8, 8, 3), np.uint8), {}, ValueError, r"\(2, 8, 8, 3\)"),
        (np.zeros((8, 8, 3), np.uint8), {"mean": 0.5}, ValueError, "float images"),
        (np.zeros((8, 8, 3), np.float32), {"mean": (0.5, 0.5)}, ValueError, "1 or 3 values"),
        (np.zeros((8, 8, 3), np.float32), {"std": 0.0}, ValueError, "positive"),
        (np.zeros((8, 8, 3), np.uint8), {"feather": -1}, ValueError, "feather"),
        (np.zeros((8, 8, 3), np.uint8), {"out": np.zeros((8, 9, 3), np.uint8)}, ValueError, "out must be"),
    ],
)
def test_what_is_no_image_is_refused(image: Any, options: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        paste(image, [place(make_part(np.random.default_rng(0)), (8, 8), 6)], **options)


@pytest.mark.parametrize(
    "matrix",
    [np.zeros((2, 3)), np.full((2, 3), np.nan), np.eye(3), [[1, 0, 0], [2, 0, 0]], [[1, 0, math.inf], [0, 1, 0]]],
)
def test_what_is_no_map_is_refused(matrix: Any) -> None:
    image, part = np.zeros((8, 8, 3), np.uint8), make_part(np.random.default_rng(0))
    with pytest.raises(ValueError, match="2 x 3, finite and invertible"):
        paste(image, [(part, matrix)])
    with pytest.raises(ValueError, match="2 x 3, finite and invertible"):
        coverage([(part, matrix)], [[1, 1]], (8, 8))


def test_unaligned_arrays_are_as_good_as_others() -> None:
    rng = np.random.default_rng(0)
    part, matrix = place(make_part(rng), (64, 48), 40)
    records = np.zeros(48, [("flag", "u1"), ("row", "f4", (64, 3)), ("where", "f8", (3,))])
    records["row"] = rng.random((48, 64, 3))
    records["where"][:2] = matrix
    image, where = records["row"], records["where"][:2]
    assert not image.flags.aligned
    result, _ = paste(image, [(part, where)])
    expected, _ = paste(image.copy(), [(part, matrix)])
    assert np.abs(result - expected).max() <= (TOLERANCE + 1) / 255
    assert coverage([(part, where)], [[32, 24]], (48, 64)).tolist() == [1]
