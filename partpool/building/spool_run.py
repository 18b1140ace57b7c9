"""The units of a spool as one sorted run of patches, which a pool file is packed from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partpool.building.unit_files import Rows, blob_path, read_unit
from partpool.pool.format import PATCH_COLUMNS, SOURCE_COLUMNS
from partpool.pool.outcomes import Counts
from partpool.pool.sorted_parts import LENGTH, READ_SIZE, SOURCE, adjacent_ranges, order_of_sources, portions

Array = NDArray[Any]


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
        tables = [read_unit(spool, number) for number in range(units)] or [_no_rows()]
        lengths = [table.patches[LENGTH].astype(np.int64) for table in tables]
        unit = np.repeat(np.arange(len(tables)), [len(length) for length in lengths])
        position = np.concatenate([np.cumsum(length) - length for length in lengths])
        sources = _stacked_columns([table.sources for table in tables])
        by_name = order_of_sources(sources)
        rank = np.empty(len(by_name), np.int64)
        rank[by_name] = np.arange(len(by_name))
        firsts = np.cumsum([0, *(len(table.sources["name"]) for table in tables)])
        source = np.concatenate(
            [rank[table.patches[SOURCE].astype(np.int64) + first] for table, first in zip(tables, firsts, strict=False)]
        )
        patches = _stacked_columns([table.patches for table in tables])
        order = np.lexsort((source, patches["class_id"]))
        patches[SOURCE] = source.astype(np.uint32)
        for name in patches:
            patches[name] = patches[name][order]
        self._patches, self._unit, self._position = patches, unit[order], position[order]
        self.sources = {name: column[by_name] for name, column in sources.items()}
        self.start = np.searchsorted(patches["class_id"], np.arange(classes + 1))
        self.names = frozenset(patches)
        self.counts = sum((table.counts for table in tables), Counts())
        self.newest = float(sources["mtime"].max(initial=0))

    def __str__(self) -> str:
        return str(self._spool)

    def column(self, name: str, first: int, last: int) -> Array:
        """A column of patches first … last."""
        return self._patches[name][first:last]

    def encoded_patches(self, rows: Array) -> Iterator[bytes]:
        """Encoded patches of ``rows``; those that follow each other in a unit are read together."""
        unit, position, length = self._unit[rows], self._position[rows], self._patches[LENGTH][rows].astype(np.int64)
        for head, tail in adjacent_ranges(position, length, unit):
            path = blob_path(self._spool, int(unit[head]))
            with path.open("rb") as file:
                file.seek(int(position[head]))
                for piece in portions(length[head:tail], READ_SIZE):
                    data = file.read(int(piece.sum()))
                    if len(data) != piece.sum():
                        raise OSError(f"{path} is shorter than its manifest says")
                    yield data


def _stacked_columns(tables: Sequence[Mapping[str, Array]]) -> dict[str, Array]:
    return {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}


def _no_rows() -> Rows:
    patches = {column.name: np.zeros((0, *column.shape), column.dtype) for column in PATCH_COLUMNS}
    sources = {column.name: np.zeros((0, *column.shape), column.dtype) for column in SOURCE_COLUMNS}
    sources |= {"name": np.zeros(0, "S1"), "mtime": np.zeros(0)}
    return Rows(patches | {LENGTH: np.zeros(0, np.uint64)}, sources, Counts())
