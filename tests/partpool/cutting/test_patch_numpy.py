"""NumPy and OpenCV give the bytes that the compiled loop gives, and that refuses what would make it look outside."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from oracles.patches import own_average
from partpool.cutting import compiled, patch_numpy
from partpool.cutting.compiled import COMPILED
from partpool.cutting.patch import Box, cut_patch

if not COMPILED:
    pytest.skip(
        "partpool.cutting._cut is not built: there was no C compiler when partpool was installed",
        allow_module_level=True,
    )

from partpool.cutting import _cut

Sample = tuple[NDArray[np.uint8], NDArray[np.uint8], Box]


@st.composite
def samples(draw: st.DrawFn, largest: int) -> Sample:
    """An opaque photograph whose rows have gaps between them, and a mask of noise or of blobs in a window of it."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    width, height = draw(st.integers(1, largest)), draw(st.integers(1, largest))
    x0, y0, gap = draw(st.integers(0, 9)), draw(st.integers(0, 9)), draw(st.integers(0, 3))
    wide = rng.integers(0, 256, (y0 + height + gap, x0 + width + 2 * gap, 4), np.uint8)
    image = wide[:, : x0 + width + gap]
    image[..., 3] = 255
    mask = _mask(rng, height, width, draw(st.sampled_from([1, 2, 7, 40])), gap)
    return image, mask, (x0, y0, x0 + width, y0 + height)


def _mask(rng: np.random.Generator, height: int, width: int, grain: int, gap: int) -> NDArray[np.uint8]:
    """Squares of ``grain`` pixels, some of them 255; its rows have gaps between them, too."""
    coarse = rng.random((height // grain + 1, (width + gap) // grain + 1)) < rng.random()
    whole = np.where(coarse, 255, 0).astype(np.uint8).repeat(grain, axis=0).repeat(grain, axis=1)
    return whole[:height, : width + gap][:, :width]


def plainly(*arguments: Any) -> NDArray[np.uint8]:
    """The patch as NumPy and OpenCV cut it."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(compiled, "COMPILED", False)
        return cut_patch(*arguments)


def size_of(mask: NDArray[np.uint8], max_side: int) -> tuple[int, int]:
    height, width = (max(1, round(side * max_side / max(mask.shape))) for side in mask.shape)
    return height, width


WHITE = np.full((3, 5, 4), 255, np.uint8)


@settings(max_examples=400, deadline=None)
@given(samples(70))
@example((WHITE, np.zeros((3, 5), np.uint8), (0, 0, 5, 3)))
@example((WHITE, np.full((1, 1), 255, np.uint8), (4, 2, 5, 3)))
def test_parts_that_are_not_shrunk_are_equal_to_the_bit(sample: Sample) -> None:
    np.testing.assert_array_equal(cut_patch(*sample, 320), plainly(*sample, 320))


def test_a_large_part_is_equal_to_the_bit() -> None:
    rng = np.random.default_rng(3)
    image = rng.integers(0, 256, (1003, 2050, 4), np.uint8)
    image[..., 3] = 255
    for grain in (1, 9, 300):
        sample = (image, _mask(rng, 1001, 2047, grain, 3), (1, 2, 2048, 1003))
        np.testing.assert_array_equal(cut_patch(*sample, 4096), plainly(*sample, 4096))


@settings(max_examples=300, deadline=None)
@given(samples(250), st.integers(1, 200))
@example((WHITE, np.full((3, 5), 255, np.uint8), (0, 0, 5, 3)), 2)
def test_shrunk_parts_are_equal_to_the_bit(sample: Sample, max_side: int) -> None:
    np.testing.assert_array_equal(cut_patch(*sample, max_side), plainly(*sample, max_side))


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 3_000), st.integers(1, 900))
@example(65535, 1)
@example(65535, 65534)
def test_weights_share_every_row_out(old: int, new: int) -> None:
    new = min(old, new)
    total = np.zeros(new, int)
    for row, weight in patch_numpy._taps(old, new):
        total += weight
        assert row.min() >= 0
        assert row.max() < old
    assert (total == patch_numpy.UNIT).all()


@settings(max_examples=200, deadline=None)
@given(samples(250), st.integers(16, 200))
def test_shrinking_averages_over_the_own_pixels(sample: Sample, max_side: int) -> None:
    image, mask, (x0, y0, x1, y1) = sample
    if max(mask.shape) <= max_side:
        return
    patch = cut_patch(*sample, max_side)
    assert patch.shape[:2] == size_of(mask, max_side)
    colour, share = own_average(image[y0:y1, x0:x1, :3], mask > 0, *patch.shape[:2])
    inside = patch[..., 3] > 0
    assert set(np.unique(patch[..., 3])) <= {0, 255}
    if share.max() >= 0.51:
        clear = np.abs(share - 0.5) > 3 / 255
        np.testing.assert_array_equal(inside[clear], (share >= 0.5)[clear])
        np.testing.assert_allclose(patch[inside][:, :3], colour[inside], atol=4)
    else:
        assert inside.any() == mask.any()
        assert (share[inside] >= min(0.5, share.max()) - 3 / 255).all()


def test_halves_are_inside() -> None:
    image, mask = np.full((66, 66, 4), 255, np.uint8), np.zeros((66, 66), np.uint8)
    mask[:, 1::2] = 255
    assert cut_patch(image, mask, (0, 0, 66, 66), 33)[..., 3].all()


def test_the_longest_sides() -> None:
    image, mask = np.full((65535, 3, 4), 255, np.uint8), np.full((65535, 3), 255, np.uint8)
    image[..., 1] = 7
    for max_side in (65535, 4096, 2050):
        assert (cut_patch(image, mask, (0, 0, 3, 65535), max_side)[..., :3] == (255, 7, 255)).all()


def test_a_side_longer_than_sixteen_bits_count() -> None:
    rng = np.random.default_rng(5)
    image, mask = rng.integers(0, 256, (7, 70_001, 4), np.uint8), _mask(rng, 7, 70_001, 40, 0)
    image[..., 3] = 255
    sample = (image, mask, (0, 0, 70_001, 7))
    for max_side in (320, 70_001):
        np.testing.assert_array_equal(cut_patch(*sample, max_side), plainly(*sample, max_side))


PART, MASK, PATCH = np.zeros((5, 4, 4), np.uint8), np.zeros((5, 4), np.uint8), np.zeros((5, 4, 4), np.uint8)
READ_ONLY = PATCH.copy()
READ_ONLY.flags.writeable = False
WRONG = {
    "a part of words": ((PART.astype(np.uint16), MASK, PATCH), "part must be uint8"),
    "a part without channels": ((PART[..., 0], MASK, PATCH), "part must be uint8"),
    "a part of three channels": ((PART[..., :3], MASK, PATCH), "part must be uint8"),
    "a part with gaps in its rows": ((np.zeros((5, 8, 4), np.uint8)[:, ::2], MASK, PATCH), "part must be uint8"),
    "a mask of bools": ((PART, MASK > 0, PATCH), "mask must be uint8"),
    "a mask of signed bytes": ((PART, MASK.view(np.int8), PATCH), "mask must be uint8"),
    "a mask in columns": ((PART, np.asfortranarray(MASK), PATCH), "mask must be uint8"),
    "a mask without pixels": ((PART, MASK[:0], PATCH), "the sides of mask"),
    "a mask of another size": ((PART, MASK[:, :3], PATCH), "part and mask must be of one size"),
    "a patch that is wider": ((PART, MASK, np.zeros((5, 5, 4), np.uint8)), "patch must not be larger"),
    "a patch that is higher": ((PART, MASK, np.zeros((6, 4, 4), np.uint8)), "patch must not be larger"),
    "a patch that is read-only": ((PART, MASK, READ_ONLY), "read-only"),
}


@pytest.mark.parametrize(("arguments", "message"), WRONG.values(), ids=WRONG)
def test_wrong_arrays(arguments: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _cut.cut(*arguments)


@pytest.mark.parametrize("arguments", [(), (PART, MASK), (PART, MASK, 7), (None, MASK, PATCH), (PART, "mask", PATCH)])
def test_wrong_types(arguments: Any) -> None:
    with pytest.raises(TypeError):
        _cut.cut(*arguments)
