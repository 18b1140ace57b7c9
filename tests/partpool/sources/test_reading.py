"""Items read: label maps of any kind and masks, the smaller on the larger."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from partpool import build, find_lip, find_pairs
from partpool.sources import find_masks
from partpool.sources.reading import read_item
from partpool.synthetic.people import write_pairs
from partpool.taxonomy.schemes import LIP, SCHEMES

SAPIENS = SCHEMES["sapiens-28"]


def npy(array: NDArray[Any], **options: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array, **options)
    return file.getvalue()


def png(array: NDArray[Any]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(array).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize("kind", ["8-bit", "16-bit", "npy", "int64"])
def test_the_same_pool_from_every_kind_of_map(tmp_path: Path, kind: str) -> None:
    write = {
        "8-bit": png, "16-bit": lambda labels: png(labels.astype(np.uint16)), "npy": npy,
        "int64": lambda labels: npy(labels.astype(np.int64)),
    }[kind]  # fmt: skip
    write_pairs(tmp_path, 3, SAPIENS)
    expected = build(find_pairs(tmp_path / "images", tmp_path / "labels", "sapiens-28"), None)
    for path in (tmp_path / "labels").iterdir():
        data = write(np.asarray(Image.open(path)))
        path.unlink()
        path.with_suffix(".npy" if data.startswith(b"\x93NUMPY") else ".png").write_bytes(data)
    report = build(find_pairs(tmp_path / "images", tmp_path / "labels", "sapiens-28"), None)
    assert not report.failed
    assert report.counts == expected.counts


@pytest.mark.parametrize("kind", ["L", "1", "P", "npy"])
def test_masks_are_a_label_map(people: Path, tmp_path: Path, kind: str) -> None:
    for path in (people / "train_segmentations").iterdir():
        labels = np.asarray(Image.open(path))
        for value in np.unique(labels[labels > 0]):
            folder = tmp_path / "masks" / LIP.labels[value].replace("-", "_")
            folder.mkdir(parents=True, exist_ok=True)
            mask = labels == value
            if kind == "npy":
                np.save(folder / f"{path.stem}.npy", mask)
            else:
                Image.fromarray(mask.astype(np.uint8) * 255).convert(kind).save(folder / path.name)
    source = find_masks(people / "train_images", tmp_path / "masks", "lip")
    report, expected = build(source, None), build(find_lip(people), None)
    assert not report.failed
    assert report.counts == expected.counts
    own = find_masks(people / "train_images", tmp_path / "masks")
    assert set(own.scheme.labels[1:]) == {
        label for label in LIP.labels if (tmp_path / "masks" / label.replace("-", "_")).is_dir()
    }
    assert build(own, None).counts["face"] == expected.counts["face"]


def test_the_smaller_mask_lies_on_the_larger(tmp_path: Path) -> None:
    large, small = np.zeros((2, 60, 60), np.uint8)
    large[5:55, 5:55], small[20:30, 20:30] = 255, 1
    (tmp_path / "images").mkdir()
    Image.new("RGB", (60, 60)).save(tmp_path / "images" / "a.png")
    for name, mask in (("a-small", small), ("b-large", large)):
        (tmp_path / "masks" / name).mkdir(parents=True)
        Image.fromarray(mask).save(tmp_path / "masks" / name / "a.png")
    source = find_masks(tmp_path / "images", tmp_path / "masks")
    picture = read_item(source[0], source.scheme)
    assert (picture.label_map == 1).sum() == 100
    assert (picture.label_map == 2).sum() == 2400
