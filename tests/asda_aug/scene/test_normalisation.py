from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asda_aug.scene.normalisation import as_rgb_bytes, channels_last, copied, gain_and_offset

PICTURE = np.random.default_rng(0).integers(0, 256, (9, 7, 3), np.uint8)


@pytest.mark.parametrize("shape", [(9, 7), (9, 7, 1), (9, 7, 3), (1, 9, 7), (3, 9, 7)])
def test_channels_come_last_without_a_copy(shape: tuple[int, ...]) -> None:
    image = np.zeros(shape, np.float32)
    view = channels_last(image)
    assert view.shape[:2] == (9, 7)
    assert np.shares_memory(view, image)


VIEWS = {
    "as it is": lambda image: image,
    "mirrored": lambda image: image[:, ::-1],
    "BGR": lambda image: image[..., ::-1],
    "turned by 180": lambda image: image[::-1, ::-1],
    "planes, mirrored": lambda image: image.transpose(2, 0, 1)[..., ::-1],
    "grey, upside down": lambda image: image[::-1, :, 0],
}


@pytest.mark.parametrize("view", VIEWS)
def test_a_copy_lies_in_memory_as_the_original_does(view: str) -> None:
    image = VIEWS[view](PICTURE)
    copy = copied(image)
    np.testing.assert_array_equal(copy, image)
    assert not np.shares_memory(copy, image)
    assert copy.flags.writeable
    signs, order = np.sign(image.strides), np.argsort(np.abs(image.strides))
    np.testing.assert_array_equal(np.sign(copy.strides), signs)
    np.testing.assert_array_equal(np.argsort(np.abs(copy.strides)), order)
    if "grey" not in view:
        assert copy.strides == image.strides


def test_what_could_be_either_has_its_channels_last() -> None:
    assert channels_last(np.zeros((3, 9, 3), np.uint8)).shape == (3, 9, 3)


@pytest.mark.parametrize(
    ("image", "error", "message"),
    [
        (np.zeros((9, 7), np.int32), TypeError, "uint8 or floats, but got dtype int32"),
        ([1], TypeError, "but got list"),
        (np.zeros((9, 7, 4), np.uint8), ValueError, r"but got \(9, 7, 4\)"),
        (np.zeros((2, 3, 9, 7), np.uint8), ValueError, r"but got \(2, 3, 9, 7\)"),
    ],
)
def test_what_is_no_image_is_refused(image: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        channels_last(image)


COLOURS = st.one_of(
    st.none(),
    st.floats(0.1, 2),
    st.tuples(*[st.floats(0.1, 2)] * 3),
    st.tuples(*[st.floats(0.1, 2)] * 3).map(np.array),
)


@given(mean=COLOURS, std=COLOURS)
def test_gain_and_offset_normalise(mean: Any, std: Any) -> None:
    image = np.zeros((9, 7, 3))
    gain, offset = gain_and_offset(image, mean, std)
    shift, scale = 0.0 if mean is None else mean, 1.0 if std is None else std
    expected = (PICTURE / 255 - shift) / scale
    np.testing.assert_allclose(PICTURE * np.array(gain) + offset, expected, atol=1e-12)


@pytest.mark.parametrize("bgr", [False, True])
@given(mean=COLOURS, std=COLOURS)
def test_bytes_come_back_from_what_was_made_of_them(bgr: bool, mean: Any, std: Any) -> None:
    gain, offset = gain_and_offset(PICTURE.astype(float), mean, std)
    normalised = PICTURE * np.array(gain) + offset
    expected = PICTURE[..., ::-1] if bgr else PICTURE
    assert np.array_equal(as_rgb_bytes(normalised, mean, std, bgr), expected)
    assert np.array_equal(as_rgb_bytes(PICTURE, mean, std, bgr), expected)


def test_grey_becomes_three_channels() -> None:
    assert np.array_equal(as_rgb_bytes(PICTURE[..., :1], None, None, False), PICTURE[..., [0, 0, 0]])


@pytest.mark.parametrize(
    ("image", "mean", "std", "message"),
    [
        (PICTURE, 0.5, None, "for float images, but got a uint8 image"),
        (PICTURE / 255, (0.5, 0.5), None, "1 or 3 values for this image, but got 2 and 1"),
        (PICTURE / 255, None, (1, 0, 1), "std must be positive"),
    ],
)
def test_normalisation_that_does_not_fit_is_refused(image: Any, mean: Any, std: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        gain_and_offset(image, mean, std)
