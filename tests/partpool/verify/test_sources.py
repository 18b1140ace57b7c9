"""Sources that are cut again give the same parts, or it is said which not."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import h5py
import numpy as np
import pytest

from damaged_pools import problems, replace_patch
from partpool import PartPool, build, find_lip
from partpool.errors import ConfigError
from partpool.verify.verifier import verify


def test_level_5_sources(lip: Path, pool: Path, tmp_path: Path) -> None:
    root = tmp_path / "LIP"
    shutil.copytree(lip, root)
    (root / "train_images" / "000002.jpg").unlink()
    image = root / "train_images" / "000004.jpg"
    image.write_bytes(image.read_bytes() + b"x")
    source = find_lip(root)
    assert problems(pool, strict=True) == []
    found = problems(pool, strict=True, against=source)
    assert found == [
        "train_images/000002.jpg: it is not in the data set",
        "train_images/000004.jpg: its files have changed since",
    ]


def test_level_5_pixels_of_another_photograph(lip: Path, tmp_path: Path) -> None:
    """Everything fits, checksum, mask and columns, but the colours were never in the source."""
    path, source = tmp_path / "pool.h5", find_lip(lip)
    build(source, path, codec="raw")
    height, width = PartPool(path)[0].mask.shape

    def paint(data: bytes) -> bytes:
        pixels = np.frombuffer(data, np.uint8, 3 * height * width)
        return (pixels ^ np.uint8(128)).tobytes() + data[len(pixels) :]

    replace_patch(path, 0, paint)
    assert problems(path, strict=True) == []
    (problem,) = problems(path, strict=True, against=source)
    assert problem.endswith("part 0 has other pixels than what is cut from it")


def test_level_5_takes_other_encodings_of_the_same(lip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another version of a library may compress the same pixels into other bytes."""
    path, source = tmp_path / "pool.h5", find_lip(lip)
    monkeypatch.setattr("partpool.pool.codec.PNG_PARAMS", (cv2.IMWRITE_PNG_COMPRESSION, 9))
    build(source, path, codec="png")
    monkeypatch.undo()
    assert problems(path, strict=True, against=source) == []


def test_level_5_needs_the_same_rules(lip: Path, pool: Path) -> None:
    with h5py.File(pool, "r+") as file:
        config = json.loads(file.attrs["config"])
        file.attrs["config"] = json.dumps({**config, "gap": 0.5})
    with pytest.raises(ConfigError, match=r"was cut by other rules than this version's \(gap\)"):
        verify(PartPool(pool), against=find_lip(lip))
