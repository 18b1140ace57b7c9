"""What a pool file will hold, worked out from its runs before anything is written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partpool.pool.format import SOURCE_COLUMNS
from partpool.pool.outcomes import KEPT, REPEATED, Counts
from partpool.pool.sorted_parts import LENGTH, SOURCE, SortedRun, digest_halves, order_of_sources

WINDOW = 2**15
"""Sources whose patches of one class are in memory at a time."""
Array = NDArray[Any]


@dataclass
class MergePlan:
    """Where everything goes.

    Attributes:
        sources: Columns of the sources that stay, in order.
        places: For every run, the place of each of its sources among all, repeated ones counted.
        row_of_place: For every place, the row in /sources; -1 for a repeated one.
        start: Class k owns patches start[k] … start[k+1].
        blob_bytes: Bytes of all encoded patches.
        counts: Number of segments by class id and outcome.
    """

    sources: dict[str, Array]
    places: list[Array]
    row_of_place: Array
    start: Array
    blob_bytes: int
    counts: Counts


def plan_merge(runs: Sequence[SortedRun], classes: int) -> MergePlan:
    """Put sources in order, drop repeated ones, and count what stays."""
    sources = {
        name: np.concatenate([run.sources[name] for run in runs])
        for name in ("name", *(column.name for column in SOURCE_COLUMNS))
    }
    by_name = order_of_sources(sources)
    place = np.empty(len(by_name), np.int64)
    place[by_name] = np.arange(len(by_name))
    places_of_runs = np.split(place, np.cumsum([len(run.sources["name"]) for run in runs])[:-1])
    first = _is_first_of_digest(sources["digest"][by_name])
    row_of_place = np.where(first, np.cumsum(first) - 1, -1)
    counts = sum((run.counts for run in runs), Counts())
    kept, blob_bytes = np.zeros(classes, np.int64), 0
    for run, places in zip(runs, places_of_runs, strict=True):
        for class_id in range(classes):
            begin, end = int(run.start[class_id]), int(run.start[class_id + 1])
            stays = row_of_place[places[run.column(SOURCE, begin, end)]] >= 0
            kept[class_id] += np.count_nonzero(stays)
            blob_bytes += int(run.column(LENGTH, begin, end)[stays].sum())
            repeated = len(stays) - int(np.count_nonzero(stays))
            if repeated:
                counts[class_id, KEPT] -= repeated
                counts[class_id, REPEATED] += repeated
    start = np.concatenate([[0], np.cumsum(kept)])
    stay = {name: column[by_name][first] for name, column in sources.items()}
    return MergePlan(stay, places_of_runs, row_of_place, start, blob_bytes, counts)


def any_known(runs: Sequence[SortedRun], plan: MergePlan, name: str) -> bool:
    """Whether any patch that stays has more than NaN in a column."""
    for run, places in zip(runs, plan.places, strict=True):
        for first in range(0, int(run.start[-1]) if name in run.names else 0, WINDOW):
            last = min(first + WINDOW, int(run.start[-1]))
            stays = plan.row_of_place[places[run.column(SOURCE, first, last)]] >= 0
            if not np.isnan(run.column(name, first, last)[stays]).all():
                return True
    return False


def merged_windows(runs: Sequence[SortedRun], plan: MergePlan) -> Iterator[tuple[Array, Array]]:
    """Patches in their order, a window at a time: for each its run, and its row there."""
    edges = np.arange(0, len(plan.row_of_place) + WINDOW, WINDOW)
    source_edges = [np.searchsorted(places, edges) for places in plan.places]
    for class_id in range(len(plan.start) - 1):
        begins = [(int(run.start[class_id]), int(run.start[class_id + 1])) for run in runs]
        row_edges = np.stack([
            begin + np.searchsorted(run.column(SOURCE, begin, end), edge)
            for run, (begin, end), edge in zip(runs, begins, source_edges, strict=True)
        ])  # fmt: skip
        for firsts, lasts in zip(row_edges.T[:-1], row_edges.T[1:], strict=True):
            ranges = [(int(r), int(firsts[r]), int(lasts[r])) for r in np.flatnonzero(firsts < lasts)]
            if not ranges:
                continue
            run_of = np.repeat([r for r, _, _ in ranges], [last - first for _, first, last in ranges])
            rows = np.concatenate([np.arange(first, last) for _, first, last in ranges])
            place = np.concatenate([plan.places[r][runs[r].column(SOURCE, first, last)] for r, first, last in ranges])
            order = np.argsort(place, kind="stable")
            order = order[plan.row_of_place[place[order]] >= 0]
            if len(order):
                yield run_of[order], rows[order]


def _is_first_of_digest(digest: Array) -> Array:
    high, low = digest_halves(digest)
    by_digest = np.lexsort((low, high))
    first = np.ones(len(digest), np.bool_)
    first[by_digest[1:]] = (np.diff(high[by_digest]) != 0) | (np.diff(low[by_digest]) != 0)
    return first
