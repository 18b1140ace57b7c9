"""Patch ↔ bytes.

Every codec stores the mask without loss, one bit per pixel. ``jpeg`` keeps colour at quality 92 without chroma
subsampling; the others keep it exactly.

=======  =====================================================================================
``raw``   RGB bytes, then mask bits
``jpeg``  uint32 length of the JPEG (little endian), the JPEG, then mask bits in a zstd frame
``png``   one RGBA PNG
``zstd``  the bytes of ``raw`` in one zstd frame
=======  =====================================================================================
"""

from __future__ import annotations

import struct
import threading
from collections.abc import Callable
from typing import cast

import cv2
import numpy as np
import zstandard
from numpy.typing import NDArray

from partpool.errors import ConfigError, PoolError
from partpool.jpeg import jpeg_layout

CODECS = ("raw", "jpeg", "png", "zstd")
"""Codec names; the index is the number stored in the pool."""
MAX_SIDE = 4096
"""Longest side of a patch in pixels; larger ones are refused before memory is taken for them."""
JPEG_QUALITY = 92
JPEG_PARAMS = (
    cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY,
    cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
)  # fmt: skip
# Older OpenCV decodes to BGR only.
DECODES_RGB = hasattr(cv2, "IMREAD_COLOR_RGB")
JPEG_FLAGS = (cv2.IMREAD_COLOR_RGB if DECODES_RGB else cv2.IMREAD_COLOR) | cv2.IMREAD_IGNORE_ORIENTATION
JPEG_MARKERS = struct.Struct(">HHH14xHH65xHH65xHHxHH")
JPEG_START = (0xFFD8, 0xFFE0, 16, 0xFFDB, 67, 0xFFDB, 67, 0xFFC0, 17)
"""How the JPEGs of OpenCV begin, before height and width; others are walked through."""
PNG_PARAMS = (cv2.IMWRITE_PNG_COMPRESSION, 4)
ZSTD_LEVEL, MASK_LEVEL = 3, -1
"""Below 0, zstd does not code single bytes: masks get larger than they could be, and are read faster."""

RGB = NDArray[np.uint8]
Mask = NDArray[np.bool_]


def codec_id(name: str) -> int:
    """Number of a codec.

    Raises:
        ConfigError: If there is none of that name.
    """
    if name not in CODECS:
        raise ConfigError(f"there is no codec {name!r}; there are: {', '.join(CODECS)}")
    return CODECS.index(name)


def encode(codec: int, bgra: NDArray[np.uint8]) -> bytes:
    """Bytes of a patch.

    Args:
        codec: Number of the codec.
        bgra: uint8 [h, w, 4], alpha 255 on the part and 0 elsewhere.
    """
    return _ENCODERS[codec](bgra)


def decode(codec: int, data: bytes, height: int, width: int) -> tuple[RGB, Mask]:
    """RGB uint8 [h, w, 3] and mask bool [h, w] of a patch.

    Raises:
        PoolError: If the bytes are not a patch of that codec and size.
    """
    if height > MAX_SIDE or width > MAX_SIDE:
        raise PoolError(f"a {width}×{height} patch is larger than any that is stored ({MAX_SIDE} pixels)")
    try:
        return _DECODERS[codec](data, height, width)
    except (ValueError, IndexError, struct.error, cv2.error, zstandard.ZstdError) as error:
        raise PoolError(f"a {width}×{height} {CODECS[codec]} patch cannot be decoded: {error}") from None


class _Zstd(threading.local):
    """This thread's coders: making one costs more than using it, and they are not thread-safe."""

    def __init__(self) -> None:
        self.compress = zstandard.ZstdCompressor(level=ZSTD_LEVEL).compress
        self.compress_mask = zstandard.ZstdCompressor(level=MASK_LEVEL).compress
        self._decompress = zstandard.ZstdDecompressor().decompress

    def decompress(self, data: bytes, size: int) -> bytes:
        """The ``size`` bytes in a frame; a frame that claims another size is refused before anything is allocated."""
        if zstandard.frame_content_size(data) != size:
            raise ValueError("the zstd frame has another size")
        return self._decompress(data)


_zstd = _Zstd()


def _mask_bits(bgra: NDArray[np.uint8]) -> memoryview:
    return np.packbits(bgra[..., 3]).data


def _unpack_mask(data: bytes, offset: int, height: int, width: int) -> Mask:
    pixels = height * width
    bits = np.frombuffer(data, np.uint8, (pixels + 7) // 8, offset)
    return np.unpackbits(bits, count=pixels).view(np.bool_).reshape(height, width)


def _encode_raw(bgra: NDArray[np.uint8]) -> bytes:
    return b"".join((cv2.cvtColor(bgra, cv2.COLOR_BGRA2RGB).data, _mask_bits(bgra)))


def _decode_raw(data: bytes, height: int, width: int) -> tuple[RGB, Mask]:
    size = 3 * height * width
    if len(data) != size + (height * width + 7) // 8:
        raise ValueError(f"got {len(data)} bytes")
    rgb = np.frombuffer(data, np.uint8, size).reshape(height, width, 3).copy()
    return rgb, _unpack_mask(data, size, height, width)


def _encode_jpeg(bgra: NDArray[np.uint8]) -> bytes:
    picture = cv2.imencode(".jpg", bgra, JPEG_PARAMS)[1]
    return b"".join((struct.pack("<I", len(picture)), picture.data, _zstd.compress_mask(_mask_bits(bgra))))


def _decode_jpeg(data: bytes, height: int, width: int) -> tuple[RGB, Mask]:
    end = 4 + struct.unpack_from("<I", data)[0]
    # OpenCV would take memory for whatever size a damaged header claims.
    markers = JPEG_MARKERS.unpack_from(data, 4)
    if markers != (*JPEG_START, height, width) and jpeg_layout(data[4:end])[:2] != (width, height):
        raise ValueError("the JPEG has another size")
    picture = cv2.imdecode(np.frombuffer(data, np.uint8, max(0, end - 4), 4), JPEG_FLAGS)
    if picture is None or picture.shape != (height, width, 3):
        raise ValueError("the JPEG is damaged or has another size")
    bits = _zstd.decompress(data[end:], (height * width + 7) // 8)
    if not DECODES_RGB:
        cv2.cvtColor(picture, cv2.COLOR_BGR2RGB, picture)
    return cast(RGB, picture), _unpack_mask(bits, 0, height, width)


def _encode_png(bgra: NDArray[np.uint8]) -> bytes:
    return cv2.imencode(".png", bgra, PNG_PARAMS)[1].tobytes()


def _decode_png(data: bytes, height: int, width: int) -> tuple[RGB, Mask]:
    if data[16:24] != struct.pack(">II", width, height) or not _ends_where_it_says(data):
        raise ValueError("the PNG is damaged or has another size")
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if picture is None or picture.shape != (height, width, 4) or picture.dtype != np.uint8:
        raise ValueError("the PNG is damaged or has another size")
    return cast(RGB, cv2.cvtColor(picture, cv2.COLOR_BGRA2RGB)), picture[..., 3] != 0


def _ends_where_it_says(data: bytes) -> bool:
    """Whether the chunks of a PNG lie inside it; OpenCV would take memory for whatever length a chunk claims."""
    position, kind = 8, b""
    while kind != b"IEND" and position + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        position += 12 + length
    return kind == b"IEND" and position <= len(data)


def _encode_zstd(bgra: NDArray[np.uint8]) -> bytes:
    return _zstd.compress(_encode_raw(bgra))


def _decode_zstd(data: bytes, height: int, width: int) -> tuple[RGB, Mask]:
    size = 3 * height * width + (height * width + 7) // 8
    return _decode_raw(_zstd.decompress(data, size), height, width)


_ENCODERS: tuple[Callable[[NDArray[np.uint8]], bytes], ...] = (
    _encode_raw, _encode_jpeg, _encode_png, _encode_zstd,
)  # fmt: skip
_DECODERS: tuple[Callable[[bytes, int, int], tuple[RGB, Mask]], ...] = (
    _decode_raw, _decode_jpeg, _decode_png, _decode_zstd,
)  # fmt: skip
