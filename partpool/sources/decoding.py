"""Reading photographs and label maps from bytes, and refusing what would silently be something else."""

from __future__ import annotations

import io
import math
import struct
import warnings
import zlib
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from partpool.errors import ImageError, ItemError, LabelMapError
from partpool.jpeg import jpeg_layout
from partpool.taxonomy.schemes import IGNORE, LabelScheme

ORIENTATION = 0x0112
"""The EXIF tag."""
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
NPY_SIGNATURE = b"\x93NUMPY"
MAX_PIXELS = 2**26
"""Larger pictures are refused before they are decoded."""
IMAGE_FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "TIFF")
IMAGE_MODES = {"1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr"}
JPEG_FLAGS = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION


def read_label_map(data: bytes, scheme: LabelScheme) -> NDArray[np.uint8]:
    """Decode a label map and check its values against the scheme.

    Values are the indexes as stored, whatever the palette; 255 becomes background.

    Args:
        data: The file's bytes: an index PNG (mode L or P; 16 bits if the scheme's parsers write those), or a NumPy
            array: integers [H, W], or scores [labels, H, W], of which the highest counts.
        scheme: What the values mean.

    Returns:
        uint8 [H, W], every value below the scheme's number of labels.

    Raises:
        LabelMapError: If the bytes are anything else or hold other values.
    """
    labels = read_index_map(data, sixteen_bit=scheme.sixteen_bit, channels=len(scheme.labels))
    limit = len(scheme.labels)
    if labels.max(initial=0) >= limit or (labels.dtype.kind == "i" and labels.min(initial=0) < 0):
        labels = np.where(labels == IGNORE, 0, labels)
        wrong = np.unique(labels[(labels < 0) | (labels >= limit)])
        if len(wrong):
            listed = ", ".join(map(str, wrong[:5])) + (", …" if len(wrong) > 5 else "")
            raise LabelMapError(
                "label-out-of-scheme",
                f"the label map holds {listed}, but scheme {scheme.name!r} ends at {limit - 1} (255 is ignored)",
            )
    return labels.astype(np.uint8, copy=False)


def read_index_map(data: bytes, *, sixteen_bit: bool = False, channels: int = 0) -> NDArray[np.integer]:
    """Decode a map of indexes: labels, or persons.

    Args:
        data: The file's bytes: a single-channel PNG, or a NumPy array of integers [H, W].
        sixteen_bit: Whether a PNG may have 16 bits per pixel.
        channels: Number of labels; a NumPy array [channels, H, W] holds their scores. 0 takes no scores.

    Returns:
        Integers [H, W] as stored.

    Raises:
        LabelMapError: If the bytes are anything else.
    """
    if not data:
        raise LabelMapError("label-empty", "the label map is an empty file")
    if data.startswith(NPY_SIGNATURE):
        return _numpy_map(data, channels)
    if not data.startswith(PNG_SIGNATURE):
        lossy = "JPEG" if data.startswith(b"\xff\xd8") else "WebP" if data[8:12] == b"WEBP" else None
        if lossy:
            raise LabelMapError(
                "label-lossy", f"the label map is a {lossy}, whose compression changes labels; expected an index PNG"
            )
        raise LabelMapError("label-unreadable", "the label map is not a PNG file; expected an index PNG (mode L or P)")
    depth, colour = _depth_and_colour_of_png(data)
    if depth == 16 and not (sixteen_bit and colour == 0):
        raise LabelMapError("label-16-bit", "the label map has 16 bits per pixel; expected 8 (mode L or P)")
    if colour not in (0, 3):
        raise LabelMapError(
            "label-rgb",
            "the label map is a colour picture, not indexes; expected an index PNG (mode L or P). "
            "Export the parser's raw labels, not its visualisation",
        )
    picture = _decoded_by_pillow(data, LabelMapError, "label", formats=("PNG",))
    if depth == 16:
        # Older versions of Pillow read 16 bits into 32.
        return np.asarray(picture).astype(np.uint16)
    labels = np.array(picture, dtype=np.uint8)
    if colour == 0 and depth in (2, 4):
        # Pillow spreads 2 and 4 bit greys over 0…255.
        labels //= 255 // (2**depth - 1)
    return labels


def _numpy_map(data: bytes, channels: int) -> NDArray[np.integer]:
    """A NumPy file's integers [H, W], or the index of the highest of its scores [channels, H, W]."""
    try:
        array = _numpy_array(data)
    except LabelMapError:
        raise
    # What damaged headers raise is not documented.
    except Exception:
        raise LabelMapError("label-unreadable", "the label map is not a whole NumPy array of plain numbers") from None
    if array.ndim == 3 and channels and len(array) == channels and array.dtype.kind in "fiu":
        return array.argmax(axis=0).astype(np.uint8)
    if array.ndim != 2 or array.dtype.kind not in "biu":
        scores = f" or scores [{channels}, H, W]" if channels else ""
        raise LabelMapError(
            "label-array",
            f"the label map is an array {array.dtype} {list(array.shape)}; expected integers [H, W]{scores}",
        )
    if not array.size:
        raise LabelMapError("label-array", "the label map is an array without pixels")
    return array.astype(np.uint8) if array.dtype.kind == "b" else cast("NDArray[np.integer]", array)


def _numpy_array(data: bytes) -> NDArray[np.generic]:
    """The array of a NumPy file, whose header is checked before anything is allocated."""
    file = io.BytesIO(data)
    version = np.lib.format.read_magic(file)
    read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    with warnings.catch_warnings():
        # About headers that Python 2 wrote.
        warnings.simplefilter("ignore")
        shape, _, dtype = read_header(file)
    if dtype.hasobject or len(data) - file.tell() != math.prod(shape) * dtype.itemsize:
        raise ValueError
    if math.prod(shape[-2:]) > MAX_PIXELS:
        raise LabelMapError("label-too-large", _too_large_message("label map", shape[-1], shape[-2]))
    return cast("NDArray[np.generic]", np.lib.format.read_array(io.BytesIO(data), allow_pickle=False))


def read_image(data: bytes, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Decode a photograph that belongs to a label map.

    Pixels come as they are stored; an EXIF orientation is applied only if the stored size differs from the label
    map's and the turned size fits.

    Args:
        data: The file's bytes: JPEG, PNG, or anything else that Pillow reads.
        size: Width and height of the label map.

    Returns:
        uint8 [H, W, 3], BGR.

    Raises:
        ImageError: If the bytes are no picture, are cut short, or have another size.
    """
    if not data:
        raise ImageError("image-empty", "the image is an empty file")
    if data.startswith(b"\xff\xd8"):
        width, height, complete = jpeg_layout(data)
        if not complete:
            raise ImageError("image-truncated", "the JPEG is cut short: its end marker is missing")
        if (width, height) == size:
            image = cv2.imdecode(np.frombuffer(data, np.uint8), JPEG_FLAGS)
            if image is None or image.shape[:2] != (height, width):
                raise ImageError("image-unreadable", "the JPEG cannot be decoded")
            return image
    picture = _decoded_by_pillow(data, ImageError, "image", size)
    if picture.mode not in IMAGE_MODES:
        raise ImageError("image-mode", f"the image has mode {picture.mode}; expected an 8-bit picture")
    return np.ascontiguousarray(np.asarray(picture.convert("RGB"))[..., ::-1])


def read_photograph(data: bytes) -> NDArray[np.uint8]:
    """Decode a photograph as people see it: turned as its EXIF orientation says.

    Args:
        data: The file's bytes.

    Returns:
        uint8 [H, W, 3], RGB.

    Raises:
        ImageError: If the bytes are no picture or are cut short.
    """
    if not data:
        raise ImageError("image-empty", "the image is an empty file")
    picture = _decoded_by_pillow(data, ImageError, "image")
    if picture.mode not in IMAGE_MODES:
        raise ImageError("image-mode", f"the image has mode {picture.mode}; expected an 8-bit picture")
    try:
        upright = ImageOps.exif_transpose(picture)
    # What Pillow raises on broken metadata is not documented; the pixels are there.
    except Exception:
        upright = picture
    return np.array(upright.convert("RGB"))


def _decoded_by_pillow(
    data: bytes,
    error: type[ItemError],
    what: str,
    size: tuple[int, int] | None = None,
    formats: tuple[str, ...] = IMAGE_FORMATS,
) -> Image.Image:
    """Open and decode with Pillow; every failure is an item error."""
    with warnings.catch_warnings():
        # About broken metadata, which nothing here depends on.
        warnings.simplefilter("ignore")
        try:
            picture: Image.Image = Image.open(io.BytesIO(data), formats=formats)
            if picture.width * picture.height > MAX_PIXELS:
                raise error(f"{what}-too-large", _too_large_message(what, *picture.size))
            if size is not None and picture.size != size:
                turned = picture.getexif().get(ORIENTATION, 1) in (5, 6, 7, 8) and picture.size[::-1] == size
                if not turned:
                    raise error(
                        "size-mismatch",
                        f"the image is {picture.width}×{picture.height}, but its label map {size[0]}×{size[1]}",
                    )
                picture = ImageOps.exif_transpose(picture)
            picture.load()
        except ItemError:
            raise
        except UnidentifiedImageError:
            raise error(f"{what}-unreadable", f"the {what} is not a picture in any known format") from None
        except Image.DecompressionBombError as reason:
            raise error(f"{what}-too-large", f"the {what} is too large: {reason}") from None
        # What decoders raise on damaged bytes is not documented, and one item must not end a build.
        except Exception as reason:
            kind = "truncated" if "truncated" in str(reason) else "unreadable"
            raise error(f"{what}-{kind}", f"the {what} cannot be decoded: {reason}") from None
    return picture


def _too_large_message(what: str, width: int, height: int) -> str:
    return f"the {what} is {width}×{height}; more than {MAX_PIXELS:,} pixels are refused"


def _depth_and_colour_of_png(data: bytes) -> tuple[int, int]:
    """Bit depth and colour type of a PNG whose chunks are all there and intact.

    Pillow neither needs the end of a file nor compares the checksums of picture data, so that damage would pass as
    other labels.
    """
    position, kind = len(PNG_SIGNATURE), b""
    while kind != b"IEND":
        if position + 12 > len(data):
            raise LabelMapError("label-truncated", "the label map is truncated: the PNG has no end")
        length, kind = struct.unpack_from(">I4s", data, position)
        end = position + 8 + length
        if end + 4 > len(data):
            raise LabelMapError("label-truncated", "the label map is truncated inside one of its chunks")
        if zlib.crc32(data[position + 4 : end]) != int.from_bytes(data[end : end + 4], "big"):
            raise LabelMapError(
                "label-unreadable",
                f"the label map is damaged: its {kind.decode('latin-1')!a} chunk has a wrong checksum",
            )
        position = end + 4
    if data[12:16] != b"IHDR" or len(data) < 33:
        raise LabelMapError("label-unreadable", "the label map is damaged: the PNG has no header")
    width, height, depth, colour = struct.unpack_from(">IIBB", data, 16)
    if width * height > MAX_PIXELS:
        raise LabelMapError("label-too-large", _too_large_message("label map", width, height))
    return depth, colour
