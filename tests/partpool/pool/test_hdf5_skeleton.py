"""Datasets have their places before anything is written, and are filled from their beginning on."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path

import h5py
import numpy as np
import pytest

from partpool import ASDA26
from partpool.pool.format import PATCH_COLUMNS, SOURCE_COLUMNS
from partpool.pool.hdf5_skeleton import Filler, class_names, write_skeleton
from partpool.pool.merge_plan import MergePlan

PARTS, SOURCES, BLOB = 5, 3, 1000


@pytest.fixture
def skeleton(tmp_path: Path) -> tuple[Path, dict[str, int]]:
    sources = {column.name: np.zeros((SOURCES, *column.shape), column.dtype) for column in SOURCE_COLUMNS}
    sources["name"] = np.array([b"a.jpg", "é.jpg".encode(), b"zz.jpg"])
    start = np.full(len(ASDA26) + 1, PARTS)
    plan = MergePlan(sources, [], np.arange(SOURCES), start, BLOB, Counter())
    path = tmp_path / "pool.h5"
    return path, write_skeleton(path, plan, PATCH_COLUMNS, {"format": "x"}, ASDA26)


def test_hdf5_finds_every_dataset_where_it_is_said_to_be(skeleton: tuple[Path, dict[str, int]]) -> None:
    path, offsets = skeleton
    with h5py.File(path) as file:
        assert file.attrs["format"] == "x"
        for name, offset in offsets.items():
            assert file[name].id.get_offset() == offset
            assert file[name].id.get_storage_size() == file[name].nbytes
        spans = sorted((offset, offset + file[name].nbytes) for name, offset in offsets.items())
    assert all(end <= start for (_, end), (start, _) in pairwise(spans))


def test_what_is_filled_is_read_by_hdf5(skeleton: tuple[Path, dict[str, int]]) -> None:
    path, offsets = skeleton
    rng = np.random.default_rng(0)
    boxes, data = rng.integers(0, 99, (PARTS, 4)).astype("<i4"), rng.bytes(BLOB)
    with Filler(path, offsets) as fill:
        for rows, piece in ((boxes[:2], data[:700]), (boxes[2:], data[700:])):
            fill("/patches/box", rows)
            fill("/patches/data", piece)
        fill("/classes/name", class_names(ASDA26))
    with h5py.File(path) as file:
        np.testing.assert_array_equal(file["patches/box"], boxes)
        assert file["patches/data"][...].tobytes() == data
        assert file["classes/name"].asstr()[...].tolist() == list(ASDA26.names)
