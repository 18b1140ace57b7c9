"""Reading label maps and photographs: what is read as it is stored, and what is refused, why and in which words."""

from __future__ import annotations

import contextlib
import io
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from PIL import Image

from partpool import LIP, LabelScheme, build, find_pairs
from partpool.errors import ImageError, ItemError, LabelMapError
from partpool.sources.decoding import read_image, read_label_map
from partpool.taxonomy.schemes import CIHP, SCHEMES

WIDTH, HEIGHT = SIZE = (22, 30)

ORIENTATION = 0x0112

Array = NDArray[np.uint8]

RNG = np.random.default_rng(7)

LABELS = RNG.integers(0, 20, (HEIGHT, WIDTH)).astype(np.uint8)

ROWS, COLUMNS = np.mgrid[:HEIGHT, :WIDTH]

# Smooth, so that JPEG keeps it, and without any symmetry.
PHOTO = np.stack([8 * ROWS, 11 * COLUMNS, 4 * ROWS + 5 * COLUMNS], axis=2).astype(np.uint8)


def saved(picture: Array | Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    (picture if isinstance(picture, Image.Image) else Image.fromarray(picture)).save(file, kind, **options)
    return file.getvalue()


def png(width: int, height: int, depth: int, colour: int, rows: bytes) -> bytes:
    """A PNG of packed rows, without what an encoder would make of them."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([depth, colour, 0, 0, 0])
    palette = chunk(b"PLTE", bytes(range(3 * 16))) if colour == 3 else b""
    data = chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + palette + data + chunk(b"IEND", b"")


def packed(labels: Array, depth: int, colour: int) -> bytes:
    bits = np.unpackbits(labels[..., None], axis=2)[..., 8 - depth :].reshape(len(labels), -1)
    rows = b"".join(b"\x00" + row.tobytes() for row in np.packbits(bits, axis=1))
    return png(labels.shape[1], labels.shape[0], depth, colour, rows)


def paletted(colours: list[int]) -> Image.Image:
    picture = Image.fromarray(LABELS)
    picture.putpalette(colours)
    return picture


GREY = [value for value in range(256) for _ in range(3)]

MODE_L, PHOTO_JPEG = saved(LABELS, "PNG"), saved(PHOTO, "JPEG", quality=98, subsampling=0)

SAPIENS = SCHEMES["sapiens-28"]


def npy(array: NDArray[Any], **options: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array, **options)
    return file.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        MODE_L,
        saved(LABELS, "PNG", optimize=True),
        saved(paletted(GREY), "PNG"),
        saved(paletted(GREY[::-1]), "PNG"),
        saved(paletted([0] * 768), "PNG"),
        saved(paletted(RNG.integers(0, 256, 768).tolist()), "PNG", bits=8),
        saved(paletted(RNG.integers(0, 256, 60).tolist()), "PNG", transparency=0),
        saved(LABELS, "PNG", transparency=3),
        saved(LABELS, "PNG", dpi=(72, 72)),
        cv2.imencode(".png", LABELS)[1].tobytes(),
    ],
    ids=["L", "optimised", "grey", "backwards", "black", "random", "short", "transparent", "dpi", "OpenCV"],
)
def test_indexes_come_as_stored_whatever_the_palette(data: bytes) -> None:
    read = read_label_map(data, LIP)
    assert read.dtype == np.uint8
    np.testing.assert_array_equal(read, LABELS)


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
@pytest.mark.parametrize("colour", [0, 3], ids=["grey", "palette"])
def test_indexes_of_few_bits(depth: int, colour: int) -> None:
    labels = np.minimum(LABELS, 2**depth - 1)
    np.testing.assert_array_equal(read_label_map(packed(labels, depth, colour), LIP), labels)


def test_ignored_pixels_are_background() -> None:
    labels = LABELS.copy()
    labels[3:9, 4:7] = 255
    np.testing.assert_array_equal(read_label_map(saved(labels, "PNG"), LIP), np.where(labels == 255, 0, labels))


@pytest.mark.parametrize(
    ("values", "labels", "said"),
    [
        ([20], 20, "holds 20, but scheme 's' ends at 19"),
        ([254, 255, 19], 20, "holds 254, but"),
        (range(100), 20, "holds 20, 21, 22, 23, 24, …, but"),
        ([19], 2, "holds 19, but scheme 's' ends at 1 "),
    ],
)
def test_values_outside_the_scheme(values: Any, labels: int, said: str) -> None:
    scheme = LabelScheme("s", tuple(f"l{number}" for number in range(labels)))
    with pytest.raises(LabelMapError) as caught:
        read_label_map(saved(np.array([list(values)], np.uint8), "PNG"), scheme)
    assert caught.value.reason == "label-out-of-scheme"
    assert said in str(caught.value)
    assert "255 is ignored" in str(caught.value)


@pytest.mark.parametrize(
    ("data", "reason", "said"),
    [
        (b"", "label-empty", ["empty file"]),
        (b"hat,hair,glove\n" * 40, "label-unreadable", ["not a PNG", "expected an index PNG"]),
        (saved(LABELS, "JPEG"), "label-lossy", ["is a JPEG", "expected an index PNG"]),
        (saved(LABELS, "WEBP", quality=80), "label-lossy", ["is a WebP", "expected an index PNG"]),
        (saved(LABELS, "BMP"), "label-unreadable", ["not a PNG", "expected an index PNG"]),
        (saved(LABELS, "TIFF"), "label-unreadable", ["not a PNG", "expected an index PNG"]),
        (saved(PHOTO, "PNG"), "label-rgb", ["colour picture", "expected an index PNG", "mode L or P"]),
        (saved(np.dstack([LABELS] * 3), "PNG"), "label-rgb", ["colour picture", "expected an index PNG"]),
        (saved(np.dstack([LABELS] * 4), "PNG"), "label-rgb", ["colour picture", "expected an index PNG"]),
        (saved(Image.fromarray(LABELS).convert("LA"), "PNG"), "label-rgb", ["expected an index PNG"]),
        (saved(LABELS.astype(np.uint16), "PNG"), "label-16-bit", ["16 bits per pixel", "expected 8"]),
        (cv2.imencode(".png", np.dstack([LABELS] * 3).astype(np.uint16))[1].tobytes(), "label-16-bit", ["16 bits"]),
        (MODE_L[:20], "label-truncated", ["truncated"]),
        (MODE_L[: len(MODE_L) // 2], "label-truncated", ["truncated"]),
        (MODE_L[:40] + bytes(100), "label-truncated", []),
        (png(60000, 60000, 8, 0, b"\x00" * 100), "label-too-large", ["60000×60000"]),
        (png(12000, 12000, 8, 0, b"\x00" * 100), "label-too-large", ["12000×12000"]),
        (png(0, 9, 8, 0, b"\x00" * 9), "label-unreadable", []),
    ],
    ids=[
        "empty", "text", "JPEG", "WebP", "BMP", "TIFF", "RGB", "grey RGB", "RGBA", "LA", "16 bit", "48 bit",
        "no header", "half", "zeros", "bomb", "large", "no width",
    ],
)  # fmt: skip
def test_what_is_no_label_map_is_refused(data: bytes, reason: str, said: list[str]) -> None:
    with pytest.raises(LabelMapError) as caught:
        read_label_map(data, LIP)
    assert caught.value.reason == reason
    for text in said:
        assert text in str(caught.value)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("kind", ["L", "P"])
def test_every_truncation_of_a_label_map_is_refused(kind: str) -> None:
    data = saved(LABELS if kind == "L" else paletted(GREY), "PNG")
    read_label_map(data, LIP)
    accepted = []
    for length in range(len(data)):
        try:
            read_label_map(data[:length], LIP)
        except LabelMapError:
            continue
        accepted.append(length - len(data))
    assert not accepted, "a file that lacks so many bytes was read"


def close(read: Array, expected: Array, tolerance: int = 6) -> None:
    assert read.dtype == np.uint8
    assert read.shape == expected.shape
    assert np.abs(read.astype(int) - expected[..., ::-1]).max() <= tolerance


GREY_PHOTO = np.asarray(Image.fromarray(PHOTO).convert("L"))


@pytest.mark.parametrize(
    ("data", "expected", "tolerance"),
    [
        (PHOTO_JPEG, PHOTO, 6),
        (saved(PHOTO, "JPEG", quality=98, subsampling=0, progressive=True), PHOTO, 6),
        (saved(Image.fromarray(PHOTO).convert("CMYK"), "JPEG", quality=98), PHOTO, 8),
        (saved(GREY_PHOTO, "JPEG", quality=98), np.dstack([GREY_PHOTO] * 3), 6),
        (saved(PHOTO, "PNG"), PHOTO, 0),
        (saved(PHOTO, "BMP"), PHOTO, 0),
        (saved(PHOTO, "TIFF"), PHOTO, 0),
        (saved(PHOTO, "WEBP", lossless=True), PHOTO, 0),
        (saved(GREY_PHOTO, "PNG"), np.dstack([GREY_PHOTO] * 3), 0),
        (saved(np.dstack([PHOTO, np.full(PHOTO.shape[:2], 9, np.uint8)]), "PNG"), PHOTO, 0),
        (saved(Image.fromarray(GREY_PHOTO).convert("LA"), "PNG"), np.dstack([GREY_PHOTO] * 3), 0),
    ],
    ids=["JPEG", "progressive", "CMYK", "grey JPEG", "PNG", "BMP", "TIFF", "WebP", "grey PNG", "RGBA", "LA"],
)
def test_photographs(data: bytes, expected: Array, tolerance: int) -> None:
    close(read_image(data, SIZE), expected, tolerance)


def test_a_jpeg_of_another_name_is_read_by_its_bytes(lip: Path) -> None:
    image = lip / "train_images" / "000001.jpg"
    image.rename(image.with_suffix(".png"))
    assert not build(find_pairs(lip / "train_images", lip / "train_segmentations", "lip"), None).failed


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_orientation_is_applied_only_if_the_turned_size_fits(kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    options = {"JPEG": {"quality": 98, "subsampling": 0}, "PNG": {}, "WEBP": {"lossless": True}}[kind]
    data = saved(PHOTO, kind, exif=exif, **options)
    close(read_image(data, SIZE), PHOTO)
    turned: dict[int, Callable[[Array], Array]] = {
        5: lambda a: a.transpose(1, 0, 2),
        6: lambda a: np.rot90(a, -1),
        7: lambda a: np.rot90(a, 2).transpose(1, 0, 2),
        8: np.rot90,
    }
    if orientation in turned:
        close(read_image(data, SIZE[::-1]), turned[orientation](PHOTO))
    else:
        with pytest.raises(ImageError) as caught:
            read_image(data, SIZE[::-1])
        assert caught.value.reason == "size-mismatch"
    for size in ((WIDTH + 1, HEIGHT), (HEIGHT, WIDTH - 1), (2 * WIDTH, 2 * HEIGHT)):
        with pytest.raises(ImageError) as caught:
            read_image(data, size)
        assert caught.value.reason == "size-mismatch"
        assert f"{WIDTH}×{HEIGHT}" in str(caught.value)
        assert f"{size[0]}×{size[1]}" in str(caught.value)


@pytest.mark.parametrize(
    ("data", "reason", "said"),
    [
        (b"", "image-empty", "empty file"),
        (b"no picture\n" * 9, "image-unreadable", "not a picture"),
        (PHOTO_JPEG[: len(PHOTO_JPEG) // 2], "image-truncated", "cut short"),
        (PHOTO_JPEG[:2], "image-truncated", "cut short"),
        (saved(PHOTO, "PNG")[:60], "image-truncated", "truncated"),
        (saved(GREY_PHOTO.astype(np.uint16) * 257, "PNG"), "image-mode", "; expected an 8-bit"),
        (saved(GREY_PHOTO.astype(np.float32), "TIFF"), "image-mode", "mode F; expected an 8-bit"),
        (png(60000, 60000, 8, 2, b"\x00" * 100), "image-too-large", "3600000000 pixels"),
        (png(12000, 12000, 8, 2, b"\x00" * 100), "image-too-large", "12000×12000"),
    ],
    ids=["empty", "text", "half", "marker", "half PNG", "16 bit", "float", "bomb", "large"],
)
def test_what_is_no_photograph_is_refused(data: bytes, reason: str, said: str) -> None:
    with pytest.raises(ImageError) as caught:
        read_image(data, SIZE)
    assert caught.value.reason == reason
    assert said in str(caught.value)


@pytest.mark.parametrize("progressive", [False, True], ids=["baseline", "progressive"])
def test_truncated_jpegs_are_refused_in_spite_of_their_thumbnail(progressive: bool) -> None:
    """A thumbnail has an end marker of its own."""
    noise = RNG.integers(0, 256, (48, 40, 3)).astype(np.uint8)
    thumbnail = saved(noise[::4, ::4], "JPEG")
    exif = b"Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x00\x00\x00\x00\x00" + thumbnail
    data = saved(noise, "JPEG", exif=exif, quality=90, progressive=progressive)
    assert data.count(b"\xff\xd9") >= 2
    assert read_image(data, (40, 48)).shape == (48, 40, 3)
    for length in [*range(0, len(data), 50), len(data) - 2, len(data) - 1]:
        for size in ((40, 48), (48, 40)):
            with pytest.raises(ImageError):
                read_image(data[:length], size)


@pytest.mark.parametrize(
    "kind", ["AVIF", "DDS", "SPIDER", "TIFF", "WEBP", "GIF", "BMP", "ICO", "TGA", "PCX", "JPEG2000"]
)
def test_damaged_pictures_of_any_kind_are_failed_items(kind: str) -> None:
    try:
        data = saved(Image.fromarray(PHOTO).convert("F" if kind == "SPIDER" else "RGB"), kind)
    except (KeyError, OSError):
        pytest.skip(f"this Pillow does not write {kind}")
    rng = np.random.default_rng(1)
    for _ in range(300):
        damaged = bytearray(data)
        for position in np.minimum(rng.exponential(60, 3).astype(int), len(data) - 1):
            damaged[position] = rng.integers(256)
        for read, argument in ((read_image, SIZE), (read_label_map, LIP)):
            with contextlib.suppress(ItemError):
                read(bytes(damaged), argument)  # type: ignore[operator]


@pytest.mark.parametrize("folder", ["alexis97_rgb_labels", "vtryon_rgb_labels"])
def test_colour_maps_of_others_are_refused(shared_data: Path, folder: str) -> None:
    root = shared_data / "oddities" / folder
    for path in sorted((root / "labels").iterdir()):
        with pytest.raises(LabelMapError) as caught:
            read_label_map(path.read_bytes(), LIP)
        assert caught.value.reason == ("label-lossy" if path.suffix == ".jpg" else "label-rgb")
    items = find_pairs(root / "images", root / "labels", "lip")
    report = build(items, None)
    assert len(items) == len(list((root / "images").iterdir()))
    # 000010_0 has a colour map and a JPEG of it.
    reasons = {item.name: item.reason for item in report.failed}
    assert reasons == {item.name: "ambiguous" if "000010_0" in item.name else "label-rgb" for item in items}


def test_a_visualisation_is_refused(shared_data: Path) -> None:
    with pytest.raises(LabelMapError, match="colour picture"):
        read_label_map((shared_data / "oddities/graphonomy_messi/messi_output.png").read_bytes(), LIP)


@pytest.mark.parametrize("pair", ["train/684_2150041", "val/86_185913"])
def test_another_encoding_of_a_real_pair_reads_the_same(shared_data: Path, pair: str) -> None:
    split, stem = pair.split("/")
    other = shared_data / "oddities" / "mmseg_imgbot"
    paths = [(shared_data / f"lip/{split}_segmentations/{stem}.png", shared_data / f"lip/{split}_images/{stem}.jpg")]
    paths.append((other / f"labels/{stem}.png", other / f"images/{stem}.jpg"))
    (labels, image), (other_labels, other_image) = (
        (read := read_label_map(label_path.read_bytes(), LIP), read_image(image_path.read_bytes(), read.shape[::-1]))
        for label_path, image_path in paths
    )
    np.testing.assert_array_equal(labels, other_labels)
    np.testing.assert_array_equal(image, other_image)


@given(
    hnp.arrays(
        st.sampled_from(["u1", "i2", "<i4", ">i8", "u8"]),
        hnp.array_shapes(min_dims=2, max_dims=2),
        elements=st.integers(0, 19),
    )
)
def test_arrays_are_label_maps(labels: NDArray[Any]) -> None:
    read = read_label_map(npy(labels), LIP)
    assert read.dtype == np.uint8
    np.testing.assert_array_equal(read, labels)


@given(
    hnp.arrays(
        np.float32, st.tuples(st.just(20), st.integers(1, 5), st.integers(1, 5)), elements=st.floats(0, 1, width=32)
    )
)
def test_scores_are_label_maps_of_the_highest(scores: NDArray[np.float32]) -> None:
    np.testing.assert_array_equal(read_label_map(npy(scores), LIP), scores.argmax(axis=0))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (npy(np.zeros((2, 2))), "label-array"),
        (npy(np.zeros((19, 2, 2))), "label-array"),
        (npy(np.zeros(4, np.uint8)), "label-array"),
        (npy(np.zeros((0, 3), np.uint8)), "label-array"),
        (npy(np.array([[object()]]), allow_pickle=True), "label-unreadable"),
        (npy(np.zeros((3, 3), np.uint8))[:-1], "label-unreadable"),
        (npy(np.zeros((3, 3), np.uint8)) + b"x", "label-unreadable"),
        (b"\x93NUMPY\x01\x00", "label-unreadable"),
        (npy(np.zeros((3, 3), np.uint8)).replace(b"(3, 3)", b"(9**9,"), "label-unreadable"),
        (npy(np.full((2, 2), -1)), "label-out-of-scheme"),
        (npy(np.full((2, 2), 20)), "label-out-of-scheme"),
        (npy(np.full((2, 2), 256 + 5)), "label-out-of-scheme"),
    ],
)
def test_arrays_that_are_no_label_maps(data: bytes, reason: str) -> None:
    with pytest.raises(LabelMapError) as caught:
        read_label_map(data, LIP)
    assert caught.value.reason == reason


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_damaged_arrays_end_in_labels_or_an_error(data: st.DataObject) -> None:
    whole = bytearray(npy(np.arange(20, dtype=np.uint8).reshape(4, 5)))
    for _ in range(data.draw(st.integers(1, 5))):
        whole[data.draw(st.integers(6, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(LabelMapError):
        assert read_label_map(bytes(whole), LIP).dtype == np.uint8


def test_sixteen_bits_where_parsers_write_them() -> None:
    labels = np.arange(28, dtype=np.uint16).reshape(4, 7)
    np.testing.assert_array_equal(read_label_map(saved(labels, "PNG"), SAPIENS), labels)
    for scheme in (LIP, CIHP):
        with pytest.raises(LabelMapError, match="16 bits"):
            read_label_map(saved(labels % 20, "PNG"), scheme)
    with pytest.raises(LabelMapError, match="holds 300"):
        read_label_map(saved(labels + np.uint16(300), "PNG"), SAPIENS)
    own = LabelScheme.from_dict({"name": "own", "labels": ["background", *map(str, range(27))], "sixteen_bit": True})
    np.testing.assert_array_equal(read_label_map(saved(labels, "PNG"), own), labels)
