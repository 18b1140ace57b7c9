"""What a pool will hold: each item once, in order."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from partpool import PartPool, build, find_lip
from partpool.pool import merge_plan
from partpool.pool.merge_plan import merged_windows, plan_merge
from partpool.pool.outcomes import KEPT, REPEATED
from partpool.pool.sorted_parts import LENGTH, SOURCE


def test_repeated_items_are_dropped_and_counted(people: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(people, copy)
    (copy / "train_id.txt").unlink()
    shutil.copy(copy / "train_images/000004.jpg", copy / "train_images/zz.jpg")
    shutil.copy(copy / "train_segmentations/000004.png", copy / "train_segmentations/zz.png")
    build(find_lip(people), tmp_path / "a.h5")
    report = build(find_lip(copy), tmp_path / "b.h5")
    once, twice = PartPool(tmp_path / "a.h5"), PartPool(tmp_path / "b.h5")
    assert len(once) == len(twice) == report.parts
    assert sum(outcomes.get("repeated", 0) for outcomes in report.counts.values()) > 0
    assert twice.info()["n_items"] == 6
    assert all(a.source == b.source for a, b in zip(once, twice, strict=True))


class Run:
    """A run of parts (class, source, size in bytes), in memory."""

    def __init__(self, sources: list[tuple[bytes, int]], parts: list[tuple[int, int, int]]) -> None:
        order = sorted(range(len(sources)), key=lambda index: sources[index])
        rank = {index: place for place, index in enumerate(order)}
        rows = sorted((class_id, rank[source % len(sources)], size) for class_id, source, size in parts)
        table = np.array(rows, np.int64).reshape(-1, 3)
        digests = b"".join(sources[index][1].to_bytes(16, "big") for index in order)
        self.sources = {
            "name": np.array([sources[index][0] for index in order]),
            "width": np.full(len(sources), 9, np.uint32),
            "height": np.full(len(sources), 9, np.uint32),
            "digest": np.frombuffer(digests, np.uint8).reshape(-1, 16),
        }
        self.start = np.searchsorted(table[:, 0], np.arange(CLASSES + 1))
        self.names = frozenset({SOURCE, LENGTH})
        self.counts = Counter((class_id, KEPT) for class_id, _, _ in rows)
        self.newest = 0.0
        self._columns = {SOURCE: table[:, 1], LENGTH: table[:, 2]}

    def column(self, name: str, first: int, last: int) -> NDArray[np.int64]:
        return self._columns[name][first:last]

    def encoded_patches(self, rows: NDArray[np.int64]) -> Iterator[bytes]:
        raise NotImplementedError


CLASSES = 3
RUNS = st.builds(
    Run,
    st.lists(st.tuples(st.sampled_from([b"a", b"b", b"c"]), st.integers(0, 5)), min_size=1, max_size=4, unique=True),
    st.lists(st.tuples(st.integers(0, CLASSES - 1), st.integers(0, 3), st.integers(1, 99)), max_size=6),
)


@settings(max_examples=150, deadline=None)
@given(runs=st.lists(RUNS, min_size=1, max_size=3), window=st.sampled_from([1, 2, 2**15]))
def test_the_first_of_each_digest_stays_with_its_parts(runs: list[Run], window: int) -> None:
    """Against a sort of everything at once."""
    seen: set[bytes] = set()
    staying: dict[tuple[int, int], int] = {}
    every = [
        (run.sources["name"][source], run.sources["digest"][source].tobytes(), number, source)
        for number, run in enumerate(runs)
        for source in range(len(run.sources["name"]))
    ]
    for _, digest, number, source in sorted(every):
        if digest not in seen:
            staying[number, source] = len(seen)
            seen.add(digest)
    rows = [
        (class_id, staying[number, int(source)], number, row)
        for number, run in enumerate(runs)
        for class_id in range(CLASSES)
        for row in range(int(run.start[class_id]), int(run.start[class_id + 1]))
        for source in run.column(SOURCE, row, row + 1)
        if (number, int(source)) in staying
    ]
    plan = plan_merge(runs, CLASSES)
    assert [digest.tobytes() for digest in plan.sources["digest"]] == [
        digest for _, digest, number, source in sorted(every) if (number, source) in staying
    ]
    assert plan.start.tolist() == [sum(row[0] < class_id for row in rows) for class_id in range(CLASSES + 1)]
    assert plan.blob_bytes == sum(int(runs[number].column(LENGTH, row, row + 1)[0]) for *_, number, row in rows)
    dropped = sum(len(run.column(SOURCE, 0, 99)) for run in runs) - len(rows)
    assert sum(count for (_, outcome), count in plan.counts.items() if outcome == REPEATED) == dropped
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(merge_plan, "WINDOW", window)
        merged = [
            (int(number), int(row))
            for run_of, window_rows in merged_windows(runs, plan)
            for number, row in zip(run_of, window_rows, strict=True)
        ]
    assert merged == [row[2:] for row in sorted(rows)]
