"""What is stored of a part: its own pixels, its own colour around them, nothing of the background."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from oracles.patches import area_average, gone_on
from partpool.cutting import compiled
from partpool.cutting.compiled import COMPILED
from partpool.cutting.patch import Box, cut_patch
from partpool.cutting.patch_numpy import CELL


@pytest.fixture(scope="module", autouse=True, params=[True, False], ids=["compiled", "plain"])
def way(request: pytest.FixtureRequest) -> Iterator[None]:
    """Both ways of cutting, one after the other."""
    if request.param and not COMPILED:
        pytest.skip("partpool.cutting._cut is not built: there was no C compiler when partpool was installed")
    with pytest.MonkeyPatch.context() as patched:
        if not request.param:
            patched.setattr(compiled, "COMPILED", False)
        yield


def photo(height: int, width: int, seed: int) -> NDArray[np.uint8]:
    """A random opaque BGRA photograph."""
    picture = np.random.default_rng(seed).integers(0, 256, (height, width, 4), np.uint8)
    picture[..., 3] = 255
    return picture


@st.composite
def parts(draw: st.DrawFn) -> tuple[NDArray[np.uint8], Box]:
    """A random mask with a tight box inside a 60 x 50 photograph."""
    x0, y0 = draw(st.integers(0, 30)), draw(st.integers(0, 40))
    width, height = draw(st.integers(1, 50 - x0)), draw(st.integers(1, 60 - y0))
    density = draw(st.sampled_from([0, 0.002, 0.01, 0.1, 0.5, 1]))
    mask = np.random.default_rng(draw(st.integers(0, 2**32 - 1))).random((height, width)) < density
    mask[0, 0] = mask[-1, -1] = True
    return np.where(mask, 255, 0).astype(np.uint8), (x0, y0, x0 + width, y0 + height)


@settings(max_examples=80, deadline=None)
@given(st.lists(parts(), min_size=1, max_size=5), st.integers(0, 999))
def test_pixels_under_the_mask_are_the_photograph(items: list[tuple[NDArray[np.uint8], Box]], seed: int) -> None:
    image = photo(60, 50, seed)
    for mask, box in items:
        (x0, y0, x1, y1), patch = box, cut_patch(image, mask, box, 320)
        np.testing.assert_array_equal(patch[..., 3], mask)
        np.testing.assert_array_equal(patch[mask > 0], image[y0:y1, x0:x1][mask > 0])


@settings(max_examples=40, deadline=None)
@given(parts(), st.integers(0, 999), st.data())
def test_colour_goes_on_outside_the_mask(part: tuple[NDArray[np.uint8], Box], seed: int, data: st.DataObject) -> None:
    mask, (x0, y0, x1, y1) = part
    image = photo(60, 50, seed)
    patch = cut_patch(image, *part, 320)[..., :3]
    source, inside = image[y0:y1, x0:x1, :3], mask > 0
    outside = np.argwhere(~inside)
    if not len(outside):
        return
    row, column = outside[data.draw(st.integers(0, len(outside) - 1))]
    # Colours are added up at half the resolution, where a lone pixel of the mask is a quarter of one.
    np.testing.assert_allclose(patch[row, column], gone_on(source, inside, row, column, CELL), atol=4)


def test_no_background_reaches_the_patch() -> None:
    """A red part on a green ground: no pixel of the patch may be the least green, shrunk or not."""
    image = np.zeros((700, 500, 4), np.uint8)
    image[..., 1] = image[..., 3] = 255
    mask = np.zeros((600, 400), np.uint8)
    rows, columns = np.mgrid[0:600, 0:400]
    mask[((rows - 299.5) / 300) ** 2 + ((columns - 199.5) / 200) ** 2 <= 1] = 255
    image[50:650, 40:440][mask > 0] = (0, 0, 200, 255)
    for max_side, size in ((320, (320, 213)), (600, (600, 400))):
        patch = cut_patch(image, mask, (40, 50, 440, 650), max_side)
        assert patch.shape[:2] == size
        assert patch[..., 1].max() == 0
        assert abs(patch[..., 2].astype(int) - 200).max() <= 2
        assert set(np.unique(patch[..., 3])) == {0, 255}
        assert np.count_nonzero(patch[..., 3]) / patch[..., 3].size == pytest.approx(np.pi / 4, abs=0.01)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 700), st.integers(1, 700), st.integers(16, 320), st.integers(0, 999))
@example(448, 224, 320, 0)
@example(640, 640, 320, 1)
@example(321, 320, 320, 2)
def test_shrinking_averages_areas(height: int, width: int, max_side: int, seed: int) -> None:
    # Neighbours are alike, as in photographs: weights have 8 bits, which shows on noise.
    image = cv2.GaussianBlur(photo(height, width, seed), (0, 0), 2)
    patch = cut_patch(image, np.full((height, width), 255, np.uint8), (0, 0, width, height), max_side)
    expected = area_average(image[..., :3], *patch.shape[:2])
    np.testing.assert_allclose(patch[..., :3], expected, atol=1.25)


def test_shrinking_to_a_half_is_exact() -> None:
    image = photo(640, 200, 4)
    patch = cut_patch(image, np.full((640, 200), 255, np.uint8), (0, 0, 200, 640), 320)
    expected = np.floor(area_average(image[..., :3], 320, 100) + 0.5)
    np.testing.assert_array_equal(patch[..., :3], expected)


def test_a_hair_thin_part_survives_shrinking() -> None:
    image, mask = photo(2000, 3, 2), np.zeros((2000, 3), np.uint8)
    mask[:, 1] = 255
    patch = cut_patch(image, mask, (0, 0, 3, 2000), 64)
    assert patch.shape == (64, 1, 4)
    assert patch[..., 3].any()
