"""Packing units into a pool file: sort, drop repeated items, write one contiguous blob and columns, rename."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, BinaryIO

import h5py
import numpy as np
from numpy.typing import NDArray

from partpool._version import __version__
from partpool.cutting import KEPT
from partpool.errors import ConfigError
from partpool.layout import FORMAT, FORMAT_VERSION, PATCH_COLUMNS, QUALITY, SOURCE_COLUMNS
from partpool.spool import Counts, Rows, blob_path, read_unit
from partpool.taxonomy import Taxonomy

REPEATED = "repeated"
"""Outcome of parts whose item is in the pool already."""
CHUNK = 2**24
LATEST = 2**37
"""Latest time that is written into a pool; thousands of years from now."""
Array = NDArray[Any]


@dataclass(frozen=True)
class Header:
    """What a pool says of itself besides its rows.

    Attributes:
        taxonomy: The part classes.
        config: What decided the bytes.
        source: Kind, split, number of items and licence note of the data set.
        errors: Number of failed items by reason.
    """

    taxonomy: Taxonomy
    config: Mapping[str, Any]
    source: Mapping[str, Any]
    errors: Mapping[str, int]


@dataclass
class Packed:
    """What :func:`pack` wrote: the number of parts, and of segments by class id and outcome."""

    parts: int
    counts: Counts


def source_date_epoch() -> int | None:
    """The time that ``SOURCE_DATE_EPOCH`` sets, in seconds since 1970, or None.

    Raises:
        ConfigError: If it is set to something else.
    """
    text = os.environ.get("SOURCE_DATE_EPOCH", "")
    if not text:
        return None
    if not text.isdecimal() or int(text) > LATEST:
        raise ConfigError(f"SOURCE_DATE_EPOCH must be whole seconds since 1970, but is {text!r}")
    return int(text)


def pack(spool: Path, units: int, out: Path, header: Header, overwrite: bool) -> Packed:
    """Write the pool file out of all units of a spool.

    Rows are sorted by (class, source, component), sources by (name, digest). Of items with the same digest only the
    first stays. The file appears under its name only when it is whole.

    Raises:
        FileExistsError: If the file has appeared meanwhile and may not be replaced.
        OSError: If the file cannot be written.
    """
    rows, unit_of, start_in_unit = _gather(spool, units, header.taxonomy)
    order, counts = _sort(rows)
    data_offset = np.concatenate([[0], np.cumsum(rows.patches["length"][order], dtype=np.uint64)]).astype("<u8")
    with _atomic(out, overwrite) as partial:
        position = _write_columns(partial, rows, order, data_offset, header, counts)
        with partial.open("r+b") as file:
            file.seek(position)
            for unit, first, length in _copies(unit_of[order], start_in_unit[order], rows.patches["length"][order]):
                _copy(blob_path(spool, unit), first, length, file)
            file.flush()
            os.fsync(file.fileno())
    return Packed(len(order), counts)


@contextlib.contextmanager
def _atomic(out: Path, overwrite: bool) -> Iterator[Path]:
    """A temporary name beside ``out`` that becomes ``out`` if all goes well, and is gone otherwise."""
    partial = out.with_name(f".{out.name}.{os.getpid()}.partial")
    try:
        yield partial
        if not overwrite:
            # Unlike a rename, a link never replaces what somebody else has put there.
            try:
                out.hardlink_to(partial)
            except FileExistsError:
                raise
            except OSError:
                partial.replace(out)
        else:
            partial.replace(out)
    finally:
        partial.unlink(missing_ok=True)
    folder = os.open(out.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _gather(spool: Path, units: int, taxonomy: Taxonomy) -> tuple[Rows, Array, Array]:
    """All rows; and for every patch its unit and its first byte there."""
    parts = [read_unit(spool, number) for number in range(units)] or [_no_rows()]
    first_source = np.cumsum([0, *(len(part.sources["name"]) for part in parts)])
    for part, first in zip(parts, first_source, strict=False):
        part.patches["source"] = part.patches["source"].astype(np.int64) + first
    counts: Counts = sum((part.counts for part in parts), start=type(parts[0].counts)())
    unit_of = np.repeat(np.arange(len(parts)), [len(part.patches["length"]) for part in parts])
    ends = [np.cumsum(part.patches["length"], dtype=np.int64) for part in parts]
    starts = [end - part.patches["length"].astype(np.int64) for end, part in zip(ends, parts, strict=True)]
    return (
        Rows(_stack([part.patches for part in parts]), _stack([part.sources for part in parts]), counts),
        unit_of,
        np.concatenate(starts),
    )


def _stack(tables: Sequence[Mapping[str, Array]]) -> dict[str, Array]:
    return {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}


def _no_rows() -> Rows:
    patches = {column.name: np.zeros((0, *column.shape), column.dtype) for column in PATCH_COLUMNS}
    sources = {column.name: np.zeros((0, *column.shape), column.dtype) for column in SOURCE_COLUMNS}
    sources |= {"name": np.zeros(0, "S1"), "mtime": np.zeros(0)}
    return Rows(patches | {"length": np.zeros(0, np.uint64)}, sources, Counts())


def _sort(rows: Rows) -> tuple[Array, Counts]:
    """Put the sources in order without repetitions, renumber them, and return the order of the patches."""
    high, low = np.ascontiguousarray(rows.sources["digest"]).view(">u8").reshape(-1, 2).T
    by_name = np.lexsort((low, high, rows.sources["name"]))
    _, firsts = np.unique(np.stack([high, low])[:, by_name], axis=1, return_index=True)
    kept = by_name[np.sort(firsts)]
    number = np.full(len(by_name), -1)
    number[kept] = np.arange(len(kept))
    rows.sources = {name: column[kept] for name, column in rows.sources.items()}
    rows.patches["source"] = number[rows.patches["source"]]
    counts = rows.counts.copy()
    for class_id in rows.patches["class_id"][rows.patches["source"] < 0].tolist():
        counts[class_id, KEPT] -= 1
        counts[class_id, REPEATED] += 1
    order = np.lexsort((rows.patches["source"], rows.patches["class_id"]))
    return order[rows.patches["source"][order] >= 0], counts


def _write_columns(path: Path, rows: Rows, order: Array, offset: Array, header: Header, counts: Counts) -> int:
    """Write everything but the blob, whose place is reserved; returns that place."""
    taxonomy = header.taxonomy
    with h5py.File(path, "w") as file:
        for name, value in _attributes(rows, header, counts).items():
            file.attrs[name] = value
        for group in ("patches", "classes", "sources"):
            file.create_group(group)
        position = _reserve(file["patches"], int(offset[-1]))
        _dataset(file, "/patches/offset", offset)
        for column in PATCH_COLUMNS:
            data = rows.patches[column.name][order].astype(column.dtype)
            # The only optional column is that of the keypoints.
            if column.required or not np.isnan(data).all():
                _dataset(file, column.path, data)
        file["patches/quality"].attrs["names"] = list(QUALITY)
        for column in SOURCE_COLUMNS:
            _dataset(file, column.path, rows.sources[column.name].astype(column.dtype))
        _names(file, "/sources/name", rows.sources["name"])
        _names(file, "/classes/name", np.array([name.encode("utf-8") for name in taxonomy.names]))
        start = np.searchsorted(rows.patches["class_id"][order], np.arange(len(taxonomy) + 1))
        _dataset(file, "/classes/start", start.astype("<u8"))
    return position


def _attributes(rows: Rows, header: Header, counts: Counts) -> dict[str, Any]:
    stats = {
        name: {outcome: count for (owner, outcome), count in sorted(counts.items()) if owner == class_id and count}
        for class_id, name in enumerate(header.taxonomy.names)
    }
    epoch = source_date_epoch()
    newest = rows.sources["mtime"].clip(0, LATEST).max(initial=0) if epoch is None else epoch
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "created": datetime.fromtimestamp(int(newest), timezone.utc).isoformat(),
        "builder": f"partpool {__version__}",
        "taxonomy": json.dumps(header.taxonomy.to_dict()),
        "scheme": json.dumps(header.taxonomy.scheme.to_dict()),
        "config": json.dumps(header.config, sort_keys=True),
        "source": json.dumps(header.source, sort_keys=True),
        "stats": json.dumps(stats),
        "errors": json.dumps(header.errors, sort_keys=True),
    }


def _dataset(file: h5py.File, path: str, data: Array) -> None:
    file.create_dataset(path, data=data, track_times=False)


def _names(file: h5py.File, path: str, names: Array) -> None:
    kind = h5py.string_dtype("utf-8", max(1, names.dtype.itemsize))
    file.create_dataset(path, data=names.astype(kind), dtype=kind, track_times=False)


def _reserve(group: h5py.Group, size: int) -> int:
    """Allocate ``/patches/data`` without writing it, and say where in the file it is."""
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_layout(h5py.h5d.CONTIGUOUS)
    plist.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    plist.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    plist.set_obj_track_times(False)
    dataset = h5py.h5d.create(group.id, b"data", h5py.h5t.STD_U8LE, h5py.h5s.create_simple((size,)), plist)
    return dataset.get_offset() or 0


def _copies(unit: Array, first: Array, length: Array) -> Iterator[tuple[int, int, int]]:
    """Runs of patches that follow each other in one unit: unit, first byte, number of bytes."""
    if not len(unit):
        return
    first, end = first.astype(np.int64), (first + length.astype(np.int64)).astype(np.int64)
    breaks = np.flatnonzero((unit[1:] != unit[:-1]) | (first[1:] != end[:-1])) + 1
    heads, tails = np.concatenate([[0], breaks]), np.concatenate([breaks, [len(unit)]]) - 1
    for head, tail in zip(heads.tolist(), tails.tolist(), strict=True):
        yield int(unit[head]), int(first[head]), int(end[tail] - first[head])


def _copy(source: Path, first: int, length: int, target: BinaryIO) -> None:
    with source.open("rb") as file:
        file.seek(first)
        while length:
            data = file.read(min(CHUNK, length))
            if not data:
                raise OSError(f"{source} is shorter than its manifest says")
            target.write(data)
            length -= len(data)
