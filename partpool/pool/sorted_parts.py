"""What a pool file is packed from: runs of patches that are sorted already, from a spool or from other pools."""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from partpool.building.unit_files import Counts, Rows, blob_path, read_unit
from partpool.errors import PoolError
from partpool.pool.file import PoolFile
from partpool.pool.format import PATCH_COLUMNS, SOURCE_COLUMNS

Array = NDArray[Any]
PIECE = 2**18
"""Bytes of encoded patches in memory at a time, unless one patch is larger: read, checked and written again while they
are in a core's cache."""
LENGTH, SOURCE = "length", "source"


class Run(Protocol):
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

    def pieces(self, rows: Array) -> Iterator[bytes]:
        """Encoded patches of ``rows`` in order, some at a time, one after another.

        Raises:
            PoolError: If they are damaged.
        """
        ...


class SpoolRun:
    """All units of a spool; its columns are in memory.

    This build has written them, or compared them with their checksums when it took them up.

    Args:
        spool: Folder of the units.
        units: Number of units.
        classes: Number of classes.
    """

    def __init__(self, spool: Path, units: int, classes: int) -> None:
        self._spool = spool
        parts = [read_unit(spool, number) for number in range(units)] or [_no_rows()]
        lengths = [part.patches[LENGTH].astype(np.int64) for part in parts]
        unit = np.repeat(np.arange(len(parts)), [len(length) for length in lengths])
        position = np.concatenate([np.cumsum(length) - length for length in lengths])
        sources = _stack([part.sources for part in parts])
        by_name = order_of_sources(sources)
        rank = np.empty(len(by_name), np.int64)
        rank[by_name] = np.arange(len(by_name))
        firsts = np.cumsum([0, *(len(part.sources["name"]) for part in parts)])
        source = np.concatenate(
            [rank[part.patches[SOURCE].astype(np.int64) + first] for part, first in zip(parts, firsts, strict=False)]
        )
        patches = _stack([part.patches for part in parts])
        order = np.lexsort((source, patches["class_id"]))
        patches[SOURCE] = source.astype(np.uint32)
        for name in patches:
            patches[name] = patches[name][order]
        self._patches, self._unit, self._position = patches, unit[order], position[order]
        self.sources = {name: column[by_name] for name, column in sources.items()}
        self.start = np.searchsorted(patches["class_id"], np.arange(classes + 1))
        self.names = frozenset(patches)
        self.counts = sum((part.counts for part in parts), Counts())
        self.newest = float(sources["mtime"].max(initial=0))

    def __str__(self) -> str:
        return str(self._spool)

    def column(self, name: str, first: int, last: int) -> Array:
        """A column of patches first … last."""
        return self._patches[name][first:last]

    def pieces(self, rows: Array) -> Iterator[bytes]:
        """Encoded patches of ``rows``; those that follow each other in a unit are read together."""
        unit, position, length = self._unit[rows], self._position[rows], self._patches[LENGTH][rows].astype(np.int64)
        for head, tail in _adjacent(position, length, unit):
            path = blob_path(self._spool, int(unit[head]))
            with path.open("rb") as file:
                file.seek(int(position[head]))
                for piece in _portions(length[head:tail], PIECE):
                    data = file.read(int(piece.sum()))
                    if len(data) != piece.sum():
                        raise OSError(f"{path} is shorter than its manifest says")
                    yield data


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
        self._check()
        file.forget()

    def __str__(self) -> str:
        return str(self._file.path)

    def _check(self) -> None:
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

    def pieces(self, rows: Array) -> Iterator[bytes]:
        """Encoded patches of ``rows``, which fit their checksums; neighbours are read together."""
        for head, tail in _adjacent(rows, np.ones(len(rows), np.int64)):
            row, last = int(rows[head]), int(rows[tail - 1]) + 1
            offset = self._file.rows("offset", row, last + 1).astype(np.int64)
            begin = int(offset[0])
            for lengths in _portions(np.diff(offset), PIECE):
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


def _adjacent(position: Array, length: Array, group: Array | None = None) -> Iterator[tuple[int, int]]:
    """Ranges of entries that follow each other: each begins where the last ends, in the same group."""
    if not len(position):
        return
    breaks = position[1:] != position[:-1] + length[:-1]
    if group is not None:
        breaks |= group[1:] != group[:-1]
    edges = np.concatenate([[0], np.flatnonzero(breaks) + 1, [len(position)]]).tolist()
    yield from itertools.pairwise(edges)


def _portions(lengths: Array, size: int) -> Iterator[Array]:
    """Lengths, in order, in portions that add up to ``size`` at most, or are a single one."""
    ends = np.cumsum(lengths)
    first = done = 0
    while first < len(lengths):
        last = max(first + 1, int(np.searchsorted(ends, done + size, "right")))
        yield lengths[first:last]
        first, done = last, int(ends[last - 1])


def _stack(tables: Sequence[Mapping[str, Array]]) -> dict[str, Array]:
    return {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}


def _no_rows() -> Rows:
    patches = {column.name: np.zeros((0, *column.shape), column.dtype) for column in PATCH_COLUMNS}
    sources = {column.name: np.zeros((0, *column.shape), column.dtype) for column in SOURCE_COLUMNS}
    sources |= {"name": np.zeros(0, "S1"), "mtime": np.zeros(0)}
    return Rows(patches | {LENGTH: np.zeros(0, np.uint64)}, sources, Counts())
