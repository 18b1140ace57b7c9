"""The table of datasets is what stands in a pool, no more and no less."""

from __future__ import annotations

import math
from pathlib import Path

import h5py
import numpy as np

from partpool.pool.format import (
    COLUMNS,
    FORMAT,
    FORMAT_VERSION,
    JSON_ATTRIBUTES,
    KEYPOINT_BYTES,
    NAMES,
    PATCH_COLUMNS,
    ROW_BYTES,
)


def test_a_pool_holds_these_datasets_in_these_types(pool: Path) -> None:
    with h5py.File(pool) as file:
        found: dict[str, h5py.Dataset] = {}
        file.visititems(lambda name, item: found.update({f"/{name}": item}) if isinstance(item, h5py.Dataset) else None)
        expected = {column.path: column for column in COLUMNS if column.required}
        assert set(found) == {*expected, *(path for path, _ in NAMES)}
        for path, column in expected.items():
            assert found[path].dtype == column.dtype, path
            assert found[path].shape[1:] == column.shape, path
            assert column.dtype.newbyteorder("<") == column.dtype, path
        assert {*file.attrs} == {"format", "format_version", "created", "builder", *JSON_ATTRIBUTES}
        assert (file.attrs["format"], file.attrs["format_version"]) == (FORMAT, FORMAT_VERSION)


def test_bytes_of_a_row(pool: Path) -> None:
    with h5py.File(pool) as file:
        parts = len(file["patches/class_id"])
        columns = sum(item.id.get_storage_size() for name, item in file["patches"].items() if name != "data")
    # The offsets have one entry more than there are parts.
    assert columns == parts * ROW_BYTES + 8
    (keypoints,) = (column for column in PATCH_COLUMNS if not column.required)
    assert np.dtype(keypoints.dtype).itemsize * math.prod(keypoints.shape) == KEYPOINT_BYTES
