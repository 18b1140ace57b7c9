"""What a JPEG says of itself, against what Pillow reads."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from partpool.jpeg import jpeg_layout


def saved(width: int, height: int, **options: object) -> bytes:
    file = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    Image.fromarray(noise).save(file, "JPEG", **options)
    return file.getvalue()


@settings(max_examples=60, deadline=None)
@given(width=st.integers(1, 70), height=st.integers(1, 70), progressive=st.booleans(), comment=st.binary(max_size=300))
def test_size_and_end_of_whole_files(width: int, height: int, progressive: bool, comment: bytes) -> None:
    data = saved(width, height, progressive=progressive, comment=comment)
    assert jpeg_layout(data) == (width, height, True)


@pytest.mark.parametrize("progressive", [False, True])
def test_every_truncation_is_seen(progressive: bool) -> None:
    data = saved(24, 17, progressive=progressive)
    assert not any(jpeg_layout(data[:length])[2] for length in range(len(data)))


def test_the_end_of_a_thumbnail_is_not_that_of_the_picture() -> None:
    thumbnail = saved(8, 8)
    data = saved(40, 30, exif=b"Exif\0\0" + thumbnail)
    assert thumbnail in data
    assert jpeg_layout(data) == (40, 30, True)
    assert jpeg_layout(data[:-2]) == (40, 30, False)


@given(st.binary(max_size=60).map(lambda data: b"\xff\xd8" + data))
def test_any_bytes_end(data: bytes) -> None:
    width, height, complete = jpeg_layout(data)
    assert 0 <= width < 2**16
    assert 0 <= height < 2**16
    assert not complete or b"\xff\xd9" in data
