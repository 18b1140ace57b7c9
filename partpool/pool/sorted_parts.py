"""What a pool file is packed from: runs of patches that are sorted already, as in other pools."""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from partpool.errors import PoolError
from partpool.pool.file import PoolFile
from partpool.pool.format import PATCH_COLUMNS, SOURCE_COLUMNS
from partpool.pool.outcomes import Counts

Array = NDArray[Any]
READ_SIZE = 2**18
"""Bytes of encoded patches in memory at a time, unless one patch is larger: read, checked and written again while they
are in a core's cache."""
LENGTH, SOURCE = "length", "source"


class SortedRun(Protocol):
    """Patches sorted by (class, source, component), and their sources sorted by (name, digest).

    Attributes:
        sources: ``name``, ``width``, ``height``, ``digest`` of every source.
        start: Class k owns patches start[k] … start[k+1].
        names: Columns that its patches have.
        counts: Number of segments by class id and outcome.
        newest: Newest modification time of its sources, in seconds since 1970.
    """

    sources: dict[str, Array]
    start: Array
    names: frozenset[str]
    counts: Counts
    newest: float

    def column(self, name: str, first: int, last: int) -> Array:
        """A column of patches first … last; ``length`` is the bytes of their encoding."""
        ...

    def encoded_patches(self, rows: Array) -> Iterator[bytes]:
        """Encoded patches of ``rows`` in order, some at a time, one after another.

        Raises:
            PoolError: If they are damaged.
        """
        ...


class PoolRun:
    """A pool file; only its sources are in memory.

    Args:
        file: The file, opened.
    """

    def __init__(self, file: PoolFile) -> None:
        self._file = file
        self.sources = {
            "name": file["sources/name"],
            **{column.name: file[column.path[1:]] for column in SOURCE_COLUMNS},
        }
        self.start = file["start"].astype(np.int64)
        optional = () if file.has_keypoints else ("keypoints",)
        self.names = frozenset(column.name for column in PATCH_COLUMNS if column.name not in optional) | {LENGTH}
        self.counts = Counts({
            (file.taxonomy.id(name), outcome): count
            for name, outcomes in file.attributes["stats"].items()
            for outcome, count in outcomes.items()
        })  # fmt: skip
        try:
            self.newest = datetime.fromisoformat(file.attributes["created"]).timestamp()
        except ValueError:
            raise PoolError(f"{file.path}: the attribute 'created' is no time") from None
        self._check_order()
        file.forget()

    def __str__(self) -> str:
        return str(self._file.path)

    def _check_order(self) -> None:
        """What merging relies on, and opening does not look at."""
        source, class_id = self._file["source"], self._file["class_id"]
        sorted_rows = ((class_id[1:] != class_id[:-1]) | (source[1:] >= source[:-1])).all()
        if not sorted_rows or (len(source) and source.max() >= self._file.sources):
            raise PoolError(f"{self}: /patches/source is not sorted, or names sources that are not there")
        if not np.array_equal(order_of_sources(self.sources), np.arange(self._file.sources)):
            raise PoolError(f"{self}: /sources are not sorted by name and digest")

    def column(self, name: str, first: int, last: int) -> Array:
        """A column of patches first … last."""
        if name == LENGTH:
            return np.diff(self._file.rows("offset", first, last + 1))
        return self._file.rows(name, first, last)

    def encoded_patches(self, rows: Array) -> Iterator[bytes]:
        """Encoded patches of ``rows``, which fit their checksums; neighbours are read together."""
        for head, tail in adjacent_ranges(rows, np.ones(len(rows), np.int64)):
            row, last = int(rows[head]), int(rows[tail - 1]) + 1
            offset = self._file.rows("offset", row, last + 1).astype(np.int64)
            begin = int(offset[0])
            for lengths in portions(np.diff(offset), READ_SIZE):
                end = begin + int(lengths.sum())
                data = self._file.blob(begin, end)
                self._compare(row, lengths, data)
                yield data
                row, begin = row + len(lengths), end

    def _compare(self, row: int, lengths: Array, data: bytes) -> None:
        """Compare patches from ``row`` on with their checksums."""
        checksums = self._file.rows("crc32", row, row + len(lengths)).tolist()
        view, end = memoryview(data), 0
        for length, checksum in zip(lengths.tolist(), checksums, strict=True):
            begin, end = end, end + length
            if zlib.crc32(view[begin:end]) != checksum:
                raise PoolError(f"{self} is damaged: the checksum of part {row} is wrong")
            row += 1


def order_of_sources(sources: Mapping[str, Array]) -> Array:
    """The order of sources by (name, digest)."""
    high, low = digest_halves(sources["digest"])
    return np.lexsort((low, high, sources["name"]))


def digest_halves(digest: Array) -> tuple[Array, Array]:
    """Digests, uint8 [n, 16], as two numbers each."""
    high, low = np.ascontiguousarray(digest).view(">u8").reshape(-1, 2).T
    return high, low


def adjacent_ranges(position: Array, length: Array, group: Array | None = None) -> Iterator[tuple[int, int]]:
    """Ranges of entries that follow each other: each begins where the last ends, in the same group."""
    if not len(position):
        return
    breaks = position[1:] != position[:-1] + length[:-1]
    if group is not None:
        breaks |= group[1:] != group[:-1]
    edges = np.concatenate([[0], np.flatnonzero(breaks) + 1, [len(position)]]).tolist()
    yield from itertools.pairwise(edges)


def portions(lengths: Array, size: int) -> Iterator[Array]:
    """Lengths, in order, in portions that add up to ``size`` at most, or are a single one."""
    ends = np.cumsum(lengths)
    first = done = 0
    while first < len(lengths):
        last = max(first + 1, int(np.searchsorted(ends, done + size, "right")))
        yield lengths[first:last]
        first, done = last, int(ends[last - 1])
