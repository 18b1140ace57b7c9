"""Pool files as HDF5 lays them out: every dataset has its place before anything is written into it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from partpool.pool.format import QUALITY, SOURCE_COLUMNS, Column
from partpool.pool.merge_plan import MergePlan
from partpool.taxonomy.part_classes import Taxonomy

Array = NDArray[Any]


def write_skeleton(
    path: Path, plan: MergePlan, columns: Sequence[Column], attributes: Mapping[str, Any], taxonomy: Taxonomy
) -> dict[str, int]:
    """Make the file with everything but the contents of its datasets; returns where each has its place."""
    patches, sources, classes = int(plan.start[-1]), len(plan.sources["name"]), len(taxonomy)
    with h5py.File(path, "w") as file:
        for name, value in attributes.items():
            file.attrs[name] = value
        for group in ("patches", "classes", "sources"):
            file.create_group(group)
        offsets = {
            "/patches/data": _reserve(file, "/patches/data", np.dtype("u1"), (plan.blob_bytes,)),
            "/patches/offset": _reserve(file, "/patches/offset", np.dtype("<u8"), (patches + 1,)),
            "/classes/start": _reserve(file, "/classes/start", np.dtype("<u8"), (classes + 1,)),
            "/sources/name": _reserve(file, "/sources/name", _text_dtype(plan.sources["name"]), (sources,)),
            "/classes/name": _reserve(file, "/classes/name", _text_dtype(class_names(taxonomy)), (classes,)),
        }
        for column in columns:
            offsets[column.path] = _reserve(file, column.path, column.dtype, (patches, *column.shape))
        for column in SOURCE_COLUMNS:
            offsets[column.path] = _reserve(file, column.path, column.dtype, (sources, *column.shape))
        file["patches/quality"].attrs["names"] = list(QUALITY)
    return offsets


def _text_dtype(names: Array) -> np.dtype[Any]:
    return h5py.string_dtype("utf-8", max(1, names.dtype.itemsize))


def _reserve(file: h5py.File, path: str, dtype: np.dtype[Any], shape: tuple[int, ...]) -> int:
    """Allocate a dataset without writing it, and say where in the file it is."""
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_layout(h5py.h5d.CONTIGUOUS)
    plist.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    plist.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    plist.set_obj_track_times(False)
    kind = h5py.h5t.py_create(dtype, logical=True)
    dataset = h5py.h5d.create(file.id, path[1:].encode(), kind, h5py.h5s.create_simple(shape), plist)
    return dataset.get_offset() or 0


def class_names(taxonomy: Taxonomy) -> Array:
    """Names of the classes in UTF-8."""
    return np.array([name.encode("utf-8") for name in taxonomy.names])


class Filler:
    """Writes datasets from their beginning on, each at its own place in the file."""

    def __init__(self, path: Path, offsets: Mapping[str, int]) -> None:
        self._file = path.open("r+b", buffering=0)
        self._next = dict(offsets)

    def __enter__(self) -> Filler:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        with self._file:
            if kind is None:
                os.fsync(self._file.fileno())

    def __call__(self, path: str, data: Array | bytes) -> None:
        """Write what comes next in a dataset."""
        view = memoryview(data if isinstance(data, bytes) else np.ascontiguousarray(data).tobytes())
        while view:
            done = os.pwrite(self._file.fileno(), view, self._next[path])
            self._next[path] += done
            view = view[done:]
