"""One pool file, opened and checked.

HDF5 is parsed once. It says where each column's bytes are; from then on they are read with ``pread``, which has no
position to share, takes no lock, and therefore works after fork, in threads and on network file systems.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from partpool.errors import ConfigError, PoolError, PoolNotFoundError
from partpool.pool.format import COLUMNS, FORMAT, FORMAT_VERSION, JSON_ATTRIBUTES, NAMES, QUALITY, Column
from partpool.pool.hdf5_heaps import heaps_are_sound
from partpool.taxonomy.part_classes import Taxonomy
from partpool.taxonomy.schemes import LabelScheme

Array = NDArray[Any]
RECORD = np.dtype(
    [
        ("first", "u8"), ("last", "u8"), ("box", "i4", 4), ("person_box", "i4", 4), ("source", "u4"),
        ("height", "u2"), ("width", "u2"), ("class_id", "u1"), ("codec", "u1"),
    ],
    align=True,
)  # fmt: skip
"""What reading a part asks for: where its bytes begin and end, and its columns."""


@dataclass(frozen=True, slots=True)
class Run:
    """A column's bytes in the file."""

    offset: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def row_bytes(self) -> int:
        """Bytes of one row."""
        return int(self.dtype.itemsize * np.prod(self.shape[1:], dtype=np.int64))


class PoolFile:
    """A checked pool file.

    Args:
        path: The file.
        identity: Size, modification time and inode it must still have; None takes what is there.

    Raises:
        PoolNotFoundError: If there is no such file.
        PoolError: If it is not a pool, is damaged, of another version, or has changed.
    """

    def __init__(self, path: Path, identity: tuple[int, int, int] | None = None) -> None:
        self.path = path
        self._fd = _open(path)
        self._close = weakref.finalize(self, os.close, self._fd)
        status = os.fstat(self._fd)
        self.identity = (status.st_size, status.st_mtime_ns, status.st_ino)
        if identity is not None and identity != self.identity:
            raise PoolError(f"{path} has changed since it was opened; open the pool again")
        self._loaded: dict[str, Array] = {}
        self._records: Array | None = None
        with _parsed(path) as file:
            _identify(file, path)
            self._runs = _runs(file, path, status.st_size)
            columns = [(run.offset, run.offset + run.shape[0] * run.row_bytes) for run in self._runs.values()]
            if not heaps_are_sound(self._fd, status.st_size, columns):
                raise PoolError(f"{path} is damaged: its attributes cannot be read, or it is full of what is no column")
            self.attributes = _attributes(file, path)
        self._blob = self._runs["data"].offset
        self.taxonomy = self._taxonomy()
        self._check()

    def _taxonomy(self) -> Taxonomy:
        try:
            scheme = LabelScheme.from_dict(self.attributes["scheme"])
            return Taxonomy.from_dict(self.attributes["taxonomy"], scheme)
        except ConfigError as error:
            raise PoolError(f"{self.path}: the stored taxonomy is damaged: {error}") from None

    def _check(self) -> None:
        """Offsets stay inside the blob, and class ids inside the taxonomy and in order."""
        offset, class_id, start = self["offset"], self["class_id"], self["start"]
        blob = self._runs["data"].shape[0]
        if offset[0] != 0 or offset[-1] != blob or (offset[1:] < offset[:-1]).any():
            raise PoolError(f"{self.path}: /patches/offset does not divide the {blob} bytes of /patches/data")
        expected = np.searchsorted(class_id, np.arange(len(self.taxonomy) + 1))
        if (class_id[1:] < class_id[:-1]).any() or expected[-1] != len(class_id) or not np.array_equal(start, expected):
            raise PoolError(f"{self.path}: class ids and /classes/start do not match the {len(self.taxonomy)} classes")
        if self.has_keypoints and self._runs["keypoints"].shape[0] != len(class_id):
            raise PoolError(f"{self.path}: /patches/keypoints has another length than the other columns")

    def __len__(self) -> int:
        return self._runs["class_id"].shape[0]

    @property
    def sources(self) -> int:
        """Number of source items."""
        return self._runs["sources/name"].shape[0]

    @property
    def blob_bytes(self) -> int:
        """Bytes of all encoded patches."""
        return self._runs["data"].shape[0]

    @property
    def has_keypoints(self) -> bool:
        """Whether keypoints are stored."""
        return "keypoints" in self._runs

    def __getitem__(self, column: str) -> Array:
        """A whole column, read on first use and kept; read-only."""
        if column not in self._loaded:
            self._loaded[column] = self._read(column, 0, self._runs[column].shape[0])
        return self._loaded[column]

    def rows(self, column: str, first: int, last: int) -> Array:
        """Rows first … last of a column, read-only; nothing is kept."""
        run = self._runs[column]
        if not 0 <= first <= last <= run.shape[0]:
            raise IndexError(f"rows {first} … {last} of {run.shape[0]}")
        return self._read(column, first, last)

    def forget(self) -> None:
        """Give up the columns that are in memory; they are read again when asked for."""
        self._loaded.clear()
        self._records = None

    def _read(self, column: str, first: int, last: int) -> Array:
        run = self._runs[column]
        buffer = np.empty((last - first, *run.shape[1:]), run.dtype)
        view = buffer.data.cast("B") if buffer.size else memoryview(b"")
        offset, done = run.offset + first * run.row_bytes, 0
        while done < len(view):
            got = os.preadv(self._fd, [view[done:]], offset + done)
            if not got:
                raise PoolError(f"{self.path} ends inside {column}")
            done += got
        buffer.flags.writeable = False
        return buffer

    def row(self, column: str, index: int) -> Array:
        """One row of a column that is not worth keeping whole."""
        run = self._runs[column]
        data = os.pread(self._fd, run.row_bytes, run.offset + index * run.row_bytes)
        if len(data) != run.row_bytes:
            raise PoolError(f"{self.path} ends inside {column}")
        return np.frombuffer(data, run.dtype).reshape(run.shape[1:])

    def source_name(self, index: int) -> str:
        """Name of a source item; all names are kept once one is asked for, as columns are.

        Raises:
            PoolError: If there is no such item.
        """
        if index >= self.sources:
            raise PoolError(f"its source is not among the {self.sources}")
        name: bytes = self["sources/name"].item(index)
        return name.decode("utf-8", "replace")

    def record(self, index: int) -> tuple[Any, ...]:
        """The fields of ``RECORD`` of a part; those of all parts are kept side by side once one is asked for."""
        if self._records is None:
            self._records = self._joined()
        record: tuple[Any, ...] = self._records.item(index)
        return record

    def _joined(self) -> Array:
        records = np.empty(len(self), RECORD)
        records["first"], records["last"] = self["offset"][:-1], self["offset"][1:]
        for name in ("box", "person_box", "source", "height", "width", "class_id", "codec"):
            records[name] = self.rows(name, 0, len(self))
        records.flags.writeable = False
        return records

    def patch_bytes(self, index: int) -> bytes:
        """Encoded bytes of a patch."""
        offset = self["offset"]
        return self.blob(offset.item(index), offset.item(index + 1))

    def blob(self, first: int, last: int) -> bytes:
        """Bytes first … last of /patches/data."""
        if "data" in self._loaded:
            return self._loaded["data"][first:last].tobytes()
        data = os.pread(self._fd, last - first, self._blob + first)
        if len(data) != last - first:
            raise PoolError(f"{self.path} ends inside /patches/data")
        return data

    def close(self) -> None:
        """Give the file descriptor back; columns that are loaded stay readable."""
        self._close()


def _open(path: Path) -> int:
    try:
        # Opening a pipe would wait for somebody to write into it.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        raise PoolNotFoundError(f"there is no pool file {path}") from None
    except OSError as error:
        raise PoolError(f"{path} cannot be opened: {error.strerror}") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        kind = "a folder" if path.is_dir() else "not a file"
        raise PoolError(f"{path} is {kind}; expected a pool made by: partpool build")
    return descriptor


@contextlib.contextmanager
def _parsed(path: Path) -> Iterator[h5py.File]:
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


def _identify(file: h5py.File, path: Path) -> None:
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


def _attributes(file: h5py.File, path: Path) -> dict[str, Any]:
    attributes = _scalars(file)
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


def _scalars(file: h5py.File) -> dict[str, Any]:
    """Those known attributes that are one value; an array could be of any size, whatever the file's."""
    known = {"format", "created", "builder", *JSON_ATTRIBUTES} & set(file.attrs)
    return {name: file.attrs[name] for name in known if file.attrs.get_id(name).shape == ()}


def _runs(file: h5py.File, path: Path, size: int) -> dict[str, Run]:
    """Where every column's bytes are, after checking that they are plainly in this file."""
    runs: dict[str, Run] = {}
    for column in COLUMNS:
        if not column.required and column.name not in file["patches"]:
            continue
        key = column.path[1:] if column.path.startswith("/sources") else column.name
        runs[key] = _run(file, column, path, size)
    for name, _ in NAMES:
        runs[name[1:]] = _run(file, Column(name, np.dtype("S"), "name"), path, size)
    lengths = {"patch": runs["class_id"].shape[0], "source": runs["sources/name"].shape[0]}
    lengths["edge"] = lengths["patch"] + 1
    lengths["start"] = runs["classes/name"].shape[0] + 1
    for column in COLUMNS:
        key = column.path[1:] if column.path.startswith("/sources") else column.name
        if key in runs and column.per != "byte" and runs[key].shape[0] != lengths[column.per]:
            raise PoolError(f"{path}: {column.path} has {runs[key].shape[0]} rows, expected {lengths[column.per]}")
    return runs


def _run(file: h5py.File, column: Column, path: Path, size: int) -> Run:
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
    return Run(offset or 0, dataset.shape, dataset.dtype)
