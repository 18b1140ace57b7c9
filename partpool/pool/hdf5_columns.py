"""What HDF5 says of a pool file: where each column's bytes are, and its attributes, none of which is taken on trust."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from partpool.errors import PoolError
from partpool.pool.format import COLUMNS, FORMAT, FORMAT_VERSION, JSON_ATTRIBUTES, NAMES, QUALITY, Column


@dataclass(frozen=True, slots=True)
class Extent:
    """Where a column's bytes are in the file, and what they are."""

    offset: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def end(self) -> int:
        """Where its bytes end in the file."""
        return self.offset + self.shape[0] * self.row_bytes

    @property
    def row_bytes(self) -> int:
        """Bytes of one row."""
        return int(self.dtype.itemsize * np.prod(self.shape[1:], dtype=np.int64))


@contextlib.contextmanager
def parsed(path: Path) -> Iterator[h5py.File]:
    """The file through HDF5, without file locks, which fail on NFS even for readers."""
    try:
        with h5py.File(path, "r", locking=False) as file:
            yield file
    except PoolError:
        raise
    except (OSError, KeyError, RuntimeError, ValueError, TypeError, UnicodeDecodeError) as error:
        raise PoolError(
            f"{path} is not a pool, or is damaged ({error}); expected a file made by: partpool build"
        ) from None


def refuse_other_formats(file: h5py.File, path: Path) -> None:
    """Refuse what is no pool of this version, without reading any string."""
    if "format" not in file.attrs:
        raise PoolError(f"{path} is an HDF5 file, but not a partpool pool")
    if file.id.get_create_plist().get_sizes() != (8, 8):
        raise PoolError(f"{path} has addresses of another size than 64 bits, which no pool has")
    number = file.attrs.get_id("format_version") if "format_version" in file.attrs else None
    plain = number is not None and number.shape == () and number.dtype.kind in "iu"
    version = file.attrs["format_version"] if plain else None
    if version != FORMAT_VERSION:
        raise PoolError(
            f"{path} has format version {version}, this partpool reads {FORMAT_VERSION}; "
            "upgrade with: pip install -U partpool, or build the pool again"
        )


def read_attributes(file: h5py.File, path: Path) -> dict[str, Any]:
    """What the file says of itself, JSON decoded.

    Raises:
        PoolError: If something is missing, or is not what a pool says.
    """
    attributes = _scalar_attributes(file)
    if attributes.get("format") != FORMAT:
        raise PoolError(f"{path} is an HDF5 file, but not a partpool pool")
    names = file["patches/quality"].attrs
    if "names" not in names or names.get_id("names").shape != (len(QUALITY),) or list(names["names"]) != list(QUALITY):
        raise PoolError(f"{path}: /patches/quality does not name its columns {', '.join(QUALITY)}")
    found: dict[str, Any] = {"format_version": FORMAT_VERSION}
    for name in ("created", "builder"):
        found[name] = str(attributes.get(name, ""))
    for name in JSON_ATTRIBUTES:
        if name not in attributes:
            raise PoolError(f"{path}: the attribute {name!r} is missing")
        try:
            found[name] = json.loads(attributes[name])
        except (ValueError, TypeError, RecursionError):
            raise PoolError(f"{path}: the attribute {name!r} is not JSON") from None
        if not isinstance(found[name], dict):
            raise PoolError(f"{path}: the attribute {name!r} is not a table")
    return found


def _scalar_attributes(file: h5py.File) -> dict[str, Any]:
    """Those known attributes that are one value; an array could be of any size, whatever the file's."""
    known = {"format", "created", "builder", *JSON_ATTRIBUTES} & set(file.attrs)
    return {name: file.attrs[name] for name in known if file.attrs.get_id(name).shape == ()}


def find_columns(file: h5py.File, path: Path, size: int) -> dict[str, Extent]:
    """Where every column's bytes are, after checking that they are plainly in this file."""
    extents: dict[str, Extent] = {}
    for column in COLUMNS:
        if not column.required and column.name not in file["patches"]:
            continue
        key = column.path[1:] if column.path.startswith("/sources") else column.name
        extents[key] = _checked_extent(file, column, path, size)
    for name, _ in NAMES:
        extents[name[1:]] = _checked_extent(file, Column(name, np.dtype("S"), "name"), path, size)
    lengths = {"patch": extents["class_id"].shape[0], "source": extents["sources/name"].shape[0]}
    lengths["edge"] = lengths["patch"] + 1
    lengths["start"] = extents["classes/name"].shape[0] + 1
    for column in COLUMNS:
        key = column.path[1:] if column.path.startswith("/sources") else column.name
        if key in extents and column.per != "byte" and extents[key].shape[0] != lengths[column.per]:
            raise PoolError(f"{path}: {column.path} has {extents[key].shape[0]} rows, expected {lengths[column.per]}")
    return extents


def _checked_extent(file: h5py.File, column: Column, path: Path, size: int) -> Extent:
    parent, _, name = column.path[1:].rpartition("/")
    for group, link in ((file, parent), (file[parent], name)):
        if not isinstance(group.get(link, getlink=True), h5py.HardLink):
            raise PoolError(f"{path}: {column.path} is missing, or a link to somewhere else")
    dataset = file[column.path]
    if not isinstance(dataset, h5py.Dataset):
        raise PoolError(f"{path}: {column.path} is not a dataset")
    fits = dataset.dtype.kind == "S" if column.dtype.kind == "S" else dataset.dtype == column.dtype
    if not fits or dataset.shape is None or dataset.shape[1:] != column.shape or dataset.ndim != 1 + len(column.shape):
        raise PoolError(
            f"{path}: {column.path} is {dataset.dtype} {dataset.shape}, expected {column.dtype} of {column.per}s"
        )
    plist = dataset.id.get_create_plist()
    if plist.get_layout() != h5py.h5d.CONTIGUOUS or plist.get_nfilters() or plist.get_external_count():
        raise PoolError(f"{path}: {column.path} is not stored contiguously in the file")
    offset = dataset.id.get_offset()
    length = dataset.size * dataset.dtype.itemsize
    if length and (offset is None or offset + length > size):
        raise PoolError(f"{path} is cut short: {column.path} ends behind the end of the file")
    return Extent(offset or 0, dataset.shape, dataset.dtype)
