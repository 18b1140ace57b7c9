"""Runs of patches: in order, and read in portions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from partpool import PartPool
from partpool.pool.sorted_parts import LENGTH, PoolRun, adjacent_ranges, order_of_sources, portions


def test_rows_sort_by_class_source_and_size(pool: Path) -> None:
    columns = PartPool(pool).columns
    keys = list(zip(columns["class_id"].tolist(), columns["source"].tolist(), strict=True))
    assert keys == sorted(keys)


LENGTHS = st.lists(st.integers(0, 30), max_size=20).map(lambda lengths: np.array(lengths, np.int64))


@given(lengths=LENGTHS, size=st.integers(1, 60))
def test_portions_are_as_large_as_they_may_be(lengths: NDArray[np.int64], size: int) -> None:
    found = list(portions(lengths, size))
    np.testing.assert_array_equal(np.concatenate([[], *found]), lengths)
    for portion, after in zip(found, [*found[1:], None], strict=False):
        assert len(portion) == 1 or portion.sum() <= size
        assert after is None or portion.sum() + after[0] > size


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 1)), max_size=15), st.booleans())
def test_adjacent_ranges_are_the_longest_without_a_gap(entries: list[tuple[int, int, int]], grouped: bool) -> None:
    position, length, group = (np.array(column, np.int64) for column in (*zip(*entries, strict=True),) or ((), (), ()))
    found = list(adjacent_ranges(position, length, group if grouped else None))
    assert [index for first, last in found for index in range(first, last)] == list(range(len(entries)))
    starts = {first for first, _ in found}
    for index in range(1, len(entries)):
        follows = position[index] == position[index - 1] + length[index - 1]
        same = not grouped or group[index] == group[index - 1]
        assert (index in starts) == (not (follows and same))


@given(st.lists(st.tuples(st.sampled_from([b"a", b"b", b"\xc3\xa9"]), st.binary(min_size=16, max_size=16)), min_size=1))
def test_sources_are_ordered_by_name_and_digest(pairs: list[tuple[bytes, bytes]]) -> None:
    names, digests = zip(*pairs, strict=True)
    table = {"name": np.array(names), "digest": np.frombuffer(b"".join(digests), np.uint8).reshape(-1, 16)}
    assert [pairs[index] for index in order_of_sources(table).tolist()] == sorted(pairs)


def test_a_run_gives_the_bytes_of_its_pool(pool: Path) -> None:
    opened = PartPool(pool)
    run = PoolRun(opened.files[0])
    expected = [opened.encoded(index) for index in range(len(opened))]
    for rows in (np.arange(len(opened)), np.array([3, 4, 5, 9, 20, 21]), np.array([], np.int64)):
        assert b"".join(run.encoded_patches(rows)) == b"".join(expected[row] for row in rows.tolist())
    assert run.column(LENGTH, 0, len(opened)).tolist() == list(map(len, expected))
