"""Every codec gives back what it was given: masks always, colour unless it is JPEG."""

from __future__ import annotations

import struct

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from partpool.errors import ConfigError, PoolError
from partpool.pool.codec import CODECS, codec_id, decode, encode

shapes = st.tuples(st.integers(1, 40), st.integers(1, 40))


@st.composite
def patches(draw: st.DrawFn) -> NDArray[np.uint8]:
    height, width = draw(shapes)
    patch = draw(hnp.arrays(np.uint8, (height, width, 4)))
    patch[..., 3] = np.where(patch[..., 3] > 127, 255, 0)
    return patch


@pytest.mark.parametrize("name", CODECS)
@settings(max_examples=60, deadline=None)
@given(patch=patches())
def test_round_trip(name: str, patch: NDArray[np.uint8]) -> None:
    codec = codec_id(name)
    rgb, mask = decode(codec, encode(codec, patch), *patch.shape[:2])
    assert rgb.dtype == np.uint8
    assert mask.dtype == np.bool_
    np.testing.assert_array_equal(mask, patch[..., 3] != 0)
    assert rgb.shape == (*patch.shape[:2], 3)
    if name != "jpeg":
        np.testing.assert_array_equal(rgb, patch[..., 2::-1])
    assert rgb.flags.writeable
    assert mask.flags.writeable


def test_jpeg_stays_close_on_a_smooth_picture() -> None:
    rows, columns = np.mgrid[0:90, 0:70]
    patch = np.stack([rows, columns, rows + columns, np.full_like(rows, 255)], axis=-1).astype(np.uint8)
    rgb, _ = decode(codec_id("jpeg"), encode(codec_id("jpeg"), patch), 90, 70)
    assert np.abs(rgb.astype(int) - patch[..., 2::-1]).mean() < 2


@pytest.mark.parametrize("name", CODECS)
@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_damaged_bytes_are_an_error_or_a_patch_of_that_size(name: str, data: st.DataObject) -> None:
    codec = codec_id(name)
    patch = data.draw(patches())
    encoded = bytearray(encode(codec, patch))
    for _ in range(data.draw(st.integers(1, 4))):
        encoded[data.draw(st.integers(0, len(encoded) - 1))] = data.draw(st.integers(0, 255))
    damaged = bytes(encoded[: data.draw(st.integers(0, len(encoded)))])
    try:
        rgb, mask = decode(codec, damaged, *patch.shape[:2])
    except PoolError:
        return
    assert rgb.shape == patch.shape[:2] + (3,)
    assert mask.shape == patch.shape[:2]


def test_unknown_codec() -> None:
    with pytest.raises(ConfigError, match="there is no codec 'gif'; there are: raw, jpeg, png, zstd"):
        codec_id("gif")


def _png(*chunks: bytes) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


HEADER = b"\0\0\0\x0dIHDR" + struct.pack(">II", 7, 5) + b"\x08\x06\0\0\0\0\0\0\0"
BOMBS = {
    "a PNG of another size": (2, _png(HEADER.replace(struct.pack(">II", 7, 5), struct.pack(">II", 60000, 60000)))),
    "a chunk of two gigabytes": (2, _png(HEADER, b"\x7f\xff\xff\xffIDAT")),
    "a PNG without an end": (2, _png(HEADER)),
    "a JPEG of another size": (1, encode(1, np.zeros((9, 9, 4), np.uint8))),
    "a JPEG whose size hides": (
        1,
        struct.pack("<I", 220) + b"\xff\xd8\xff\xe1\0\4ab\xff\xc0\0\x11\x08\xea\x60\xea\x60" + bytes(200),
    ),
}


@pytest.mark.parametrize(("codec", "data"), BOMBS.values(), ids=BOMBS)
def test_bombs_are_refused_before_memory_is_taken(monkeypatch: pytest.MonkeyPatch, codec: int, data: bytes) -> None:
    monkeypatch.setattr(cv2, "imdecode", None)
    with pytest.raises(PoolError, match="has another size"):
        decode(codec, data, 5, 7)


@pytest.mark.parametrize("codec", range(len(CODECS)))
def test_patches_larger_than_any_are_refused(codec: int) -> None:
    with pytest.raises(PoolError, match="larger than any that is stored"):
        decode(codec, b"", 4097, 1)
