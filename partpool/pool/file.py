"""One pool file, opened and checked.

HDF5 is parsed once. It says where each column's bytes are; from then on they are read with ``pread``, which has no
position to share, takes no lock, and therefore works after fork, in threads and on network file systems.
"""

from __future__ import annotations

import os
import stat
import weakref
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partpool.errors import ConfigError, PoolError, PoolNotFoundError
from partpool.pool.hdf5_columns import find_columns, parsed, read_attributes, refuse_other_formats
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
        self._fd = _open_regular_file(path)
        self._close = weakref.finalize(self, os.close, self._fd)
        status = os.fstat(self._fd)
        self.identity = (status.st_size, status.st_mtime_ns, status.st_ino)
        if identity is not None and identity != self.identity:
            raise PoolError(f"{path} has changed since it was opened; open the pool again")
        self._loaded: dict[str, Array] = {}
        self._records: Array | None = None
        with parsed(path) as file:
            refuse_other_formats(file, path)
            self._extents = find_columns(file, path, status.st_size)
            columns = [(extent.offset, extent.end) for extent in self._extents.values()]
            if not heaps_are_sound(self._fd, status.st_size, columns):
                raise PoolError(f"{path} is damaged: its attributes cannot be read, or it is full of what is no column")
            self.attributes = read_attributes(file, path)
        self._blob_offset = self._extents["data"].offset
        self.taxonomy = self._stored_taxonomy()
        self._check_columns()

    def _stored_taxonomy(self) -> Taxonomy:
        try:
            scheme = LabelScheme.from_dict(self.attributes["scheme"])
            return Taxonomy.from_dict(self.attributes["taxonomy"], scheme)
        except ConfigError as error:
            raise PoolError(f"{self.path}: the stored taxonomy is damaged: {error}") from None

    def _check_columns(self) -> None:
        """Offsets stay inside the blob, and class ids inside the taxonomy and in order."""
        offset, class_id, start = self["offset"], self["class_id"], self["start"]
        blob = self._extents["data"].shape[0]
        if offset[0] != 0 or offset[-1] != blob or (offset[1:] < offset[:-1]).any():
            raise PoolError(f"{self.path}: /patches/offset does not divide the {blob} bytes of /patches/data")
        expected = np.searchsorted(class_id, np.arange(len(self.taxonomy) + 1))
        if (class_id[1:] < class_id[:-1]).any() or expected[-1] != len(class_id) or not np.array_equal(start, expected):
            raise PoolError(f"{self.path}: class ids and /classes/start do not match the {len(self.taxonomy)} classes")
        if self.has_keypoints and self._extents["keypoints"].shape[0] != len(class_id):
            raise PoolError(f"{self.path}: /patches/keypoints has another length than the other columns")

    def __len__(self) -> int:
        return self._extents["class_id"].shape[0]

    @property
    def sources(self) -> int:
        """Number of source items."""
        return self._extents["sources/name"].shape[0]

    @property
    def blob_bytes(self) -> int:
        """Bytes of all encoded patches."""
        return self._extents["data"].shape[0]

    @property
    def has_keypoints(self) -> bool:
        """Whether keypoints are stored."""
        return "keypoints" in self._extents

    def __getitem__(self, column: str) -> Array:
        """A whole column, read on first use and kept; read-only."""
        if column not in self._loaded:
            self._loaded[column] = self._read_rows(column, 0, self._extents[column].shape[0])
        return self._loaded[column]

    def rows(self, column: str, first: int, last: int) -> Array:
        """Rows first … last of a column, read-only; nothing is kept."""
        extent = self._extents[column]
        if not 0 <= first <= last <= extent.shape[0]:
            raise IndexError(f"rows {first} … {last} of {extent.shape[0]}")
        return self._read_rows(column, first, last)

    def forget(self) -> None:
        """Give up the columns that are in memory; they are read again when asked for."""
        self._loaded.clear()
        self._records = None

    def _read_rows(self, column: str, first: int, last: int) -> Array:
        extent = self._extents[column]
        buffer = np.empty((last - first, *extent.shape[1:]), extent.dtype)
        view = buffer.data.cast("B") if buffer.size else memoryview(b"")
        offset, done = extent.offset + first * extent.row_bytes, 0
        while done < len(view):
            got = os.preadv(self._fd, [view[done:]], offset + done)
            if not got:
                raise PoolError(f"{self.path} ends inside {column}")
            done += got
        buffer.flags.writeable = False
        return buffer

    def row(self, column: str, index: int) -> Array:
        """One row of a column that is not worth keeping whole."""
        extent = self._extents[column]
        data = os.pread(self._fd, extent.row_bytes, extent.offset + index * extent.row_bytes)
        if len(data) != extent.row_bytes:
            raise PoolError(f"{self.path} ends inside {column}")
        return np.frombuffer(data, extent.dtype).reshape(extent.shape[1:])

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
            self._records = self._records_of_columns()
        record: tuple[Any, ...] = self._records.item(index)
        return record

    def _records_of_columns(self) -> Array:
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
        data = os.pread(self._fd, last - first, self._blob_offset + first)
        if len(data) != last - first:
            raise PoolError(f"{self.path} ends inside /patches/data")
        return data

    def close(self) -> None:
        """Give the file descriptor back; columns that are loaded stay readable."""
        self._close()


def _open_regular_file(path: Path) -> int:
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
