"""Small good files of every kind."""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from partpool import build, find_lip
from partpool.pool.codec import CODECS, encode
from partpool.synthetic.people import draw_person

POSE_ROW = b"0.jpg" + b"".join(b",%d,%d,%d" % (7 * joint, 9 * joint, joint % 2) for joint in range(16)) + b"\n"
COCO = json.dumps({
    "images": [{"id": 1, "file_name": "train_images/0.jpg"}],
    "categories": [{"id": 1, "keypoints": ["nose", "left_eye"]}],
    "annotations": [{"image_id": 1, "category_id": 1, "keypoints": [1, 2, 2, 3, 4, 1], "bbox": [0, 0, 9, 9]}],
}).encode()  # fmt: skip
TOML = b"""
name = "mine"
extends = "asda26"
[[class]]
name = "arms"
labels = ["left-arm", "right-arm"]
size = 0.4
requires = [["left-arm"], ["right-arm"]]
keypoints = ["left_wrist"]
"""
OWN_SCHEME = b"""
[scheme]
name = "own"
labels = ["background", "a", "b"]
[[class]]
name = "x"
labels = ["a"]
bridge = ["b"]
size = 0.4
mirror = "x"
split = false
"""


@cache
def few_people() -> dict[str, bytes]:
    """Files of a LIP folder of three people, by their path."""
    files = {}
    for number in range(3):
        person = draw_person(np.random.default_rng(number))
        for name, array in (("train_images/{}.jpg", person.image), ("train_segmentations/{}.png", person.labels)):
            file = io.BytesIO()
            Image.fromarray(array[::4, ::4]).save(file, "JPEG" if name.endswith("jpg") else "PNG")
            files[name.format(number)] = file.getvalue()
    return files


def write_people(root: Path) -> None:
    for name, data in few_people().items():
        (root / name).parent.mkdir(exist_ok=True, parents=True)
        (root / name).write_bytes(data)


@cache
def example() -> tuple[np.ndarray, np.ndarray]:
    """A small photograph and its label map."""
    person = draw_person(np.random.default_rng(5))
    return np.ascontiguousarray(person.image[::6, ::6]), np.ascontiguousarray(person.labels[::6, ::6])


def picture(kind: str, *, labels: bool = False, mode: str | None = None) -> bytes:
    image = Image.fromarray(example()[1 if labels else 0])
    if mode == "P":
        image.putpalette([value * 37 % 256 for value in range(768)])
    elif mode:
        image = image.convert(mode)
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()


def array(dtype: str) -> bytes:
    file = io.BytesIO()
    np.save(file, example()[1].astype(dtype))
    return file.getvalue()


def lip_zip(compression: int) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        write_people(Path(folder))
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", compression) as archive:
            for path in sorted(Path(folder).rglob("*.*")):
                archive.write(path, path.relative_to(folder))
        return file.getvalue()


def nested_zip() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("outer/inner.zip", lip_zip(zipfile.ZIP_STORED))
    return file.getvalue()


def small_pool(codec: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        write_people(Path(folder))
        build(find_lip(folder), Path(folder) / "pool.h5", codec=codec)
        return (Path(folder) / "pool.h5").read_bytes()


def encoded_patches() -> tuple[bytes, ...]:
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30, 4), np.uint8)
    pixels[..., 3] = np.where(pixels[..., 3] > 128, 255, 0)
    return tuple(encode(codec, pixels) for codec in range(len(CODECS)))
