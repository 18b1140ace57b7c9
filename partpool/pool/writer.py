"""Packing runs into a pool file: drop repeated items, merge, write one contiguous blob and columns, rename.

HDF5 lays the file out once; from then on its columns are bytes at known offsets, which are filled class by class and
window by window, so that memory does not grow with the number of patches.
"""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partpool._version import __version__
from partpool.errors import ConfigError
from partpool.pool.disk_space import check_room
from partpool.pool.format import FORMAT, FORMAT_VERSION, PATCH_COLUMNS, ROW_BYTES, SOURCE_COLUMNS, Column
from partpool.pool.hdf5_skeleton import Filler, class_names, write_skeleton
from partpool.pool.merge_plan import MergePlan, any_known, merged_windows, plan_merge
from partpool.pool.outcomes import Counts, counts_by_name
from partpool.pool.sorted_parts import LENGTH, SOURCE, SortedRun
from partpool.taxonomy.part_classes import Taxonomy

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


def pack(
    runs: Sequence[SortedRun],
    partial: Path,
    out: Path,
    header: Header,
    overwrite: bool,
    on_progress: Callable[[int, int], None] | None = None,
) -> Packed:
    """Write a pool file out of runs.

    Rows are sorted by (class, source, component), sources by (name, digest). Of items with the same digest only the
    first stays.

    Args:
        runs: At least one.
        partial: Name of the file until it is whole, on the same file system; gone afterwards.
        out: Its name then.
        header: What the pool says of itself.
        overwrite: Whether ``out`` may be replaced.
        on_progress: Called now and then with the bytes of encoded patches that are written, and their total.

    Raises:
        FileExistsError: If the file has appeared meanwhile and may not be replaced.
        OSError: If the file cannot be written; if there is no room for it, before it is begun.
        PoolError: If the bytes of a patch do not fit its checksum.
    """
    plan = plan_merge(runs, len(header.taxonomy))
    columns = [column for column in PATCH_COLUMNS if column.required or any_known(runs, plan, column.name)]
    check_room(out.parent, plan.blob_bytes + int(plan.start[-1]) * ROW_BYTES, "the pool needs")
    attributes = _root_attributes(plan, header, max(run.newest for run in runs))
    try:
        offsets = write_skeleton(partial, plan, columns, attributes, header.taxonomy)
        with Filler(partial, offsets) as fill:
            fill("/patches/offset", np.zeros(1, "<u8"))
            fill("/classes/start", plan.start.astype("<u8"))
            _fill_sources(fill, plan.sources, header.taxonomy)
            written = 0
            for run_of, rows in merged_windows(runs, plan):
                written = _fill_patches(fill, runs, plan, columns, run_of, rows, written)
                if on_progress:
                    on_progress(written, plan.blob_bytes)
        _publish(partial, out, overwrite)
    finally:
        partial.unlink(missing_ok=True)
    return Packed(int(plan.start[-1]), plan.counts)


def _fill_patches(
    fill: Filler,
    runs: Sequence[SortedRun],
    plan: MergePlan,
    columns: Sequence[Column],
    run_of: Array,
    rows: Array,
    written: int,
) -> int:
    """Write a window of patches behind the ``written`` bytes that are there; returns how many are then."""
    window = {column.name: _unknown_rows(column, len(rows)) for column in columns}
    lengths = np.empty(len(rows), np.int64)
    for number in np.unique(run_of).tolist():
        run, here = runs[number], run_of == number
        first, last = int(rows[here][0]), int(rows[here][-1]) + 1
        chosen = rows[here] - first
        lengths[here] = run.column(LENGTH, first, last)[chosen]
        for name in run.names & window.keys():
            window[name][here] = run.column(name, first, last)[chosen]
        window[SOURCE][here] = plan.row_of_place[plan.places[number][window[SOURCE][here]]]
    for column in columns:
        fill(column.path, window[column.name])
    ends = written + np.cumsum(lengths)
    fill("/patches/offset", ends.astype("<u8"))
    edges = [0, *(np.flatnonzero(np.diff(run_of)) + 1).tolist(), len(rows)]
    for head, tail in itertools.pairwise(edges):
        for data in runs[run_of[head]].encoded_patches(rows[head:tail]):
            fill("/patches/data", data)
    return int(ends[-1])


def _unknown_rows(column: Column, rows: int) -> Array:
    return np.full((rows, *column.shape), np.nan if column.dtype.kind == "f" else 0, column.dtype)


def _fill_sources(fill: Filler, sources: Mapping[str, Array], taxonomy: Taxonomy) -> None:
    for column in SOURCE_COLUMNS:
        fill(column.path, sources[column.name].astype(column.dtype))
    fill("/sources/name", sources["name"])
    fill("/classes/name", class_names(taxonomy))


def _root_attributes(plan: MergePlan, header: Header, newest: float) -> dict[str, Any]:
    epoch = source_date_epoch()
    created = int(min(max(newest, 0), LATEST)) if epoch is None else epoch
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "created": datetime.fromtimestamp(created, timezone.utc).isoformat(),
        "builder": f"partpool {__version__}",
        "taxonomy": json.dumps(header.taxonomy.to_dict()),
        "scheme": json.dumps(header.taxonomy.scheme.to_dict()),
        "config": json.dumps(header.config, sort_keys=True),
        "source": json.dumps(header.source, sort_keys=True),
        "stats": json.dumps(counts_by_name(plan.counts, header.taxonomy.names)),
        "errors": json.dumps(header.errors, sort_keys=True),
    }


def _publish(partial: Path, out: Path, overwrite: bool) -> None:
    """Give a whole file its name."""
    try:
        if overwrite:
            partial.replace(out)
        else:
            # Unlike a rename, a link never replaces what somebody else has put there.
            out.hardlink_to(partial)
    except FileExistsError:
        raise
    except OSError:
        if out.exists() and not overwrite:
            raise FileExistsError(out) from None
        partial.replace(out)
    folder = os.open(out.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
