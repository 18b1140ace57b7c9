"""All units of a spool as one sorted run."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from partpool.building.spool_run import SpoolRun
from partpool.building.unit_files import blob_path, encode_unit, put_unit
from partpool.cutting.cutter import CutItem, EncodedPart
from partpool.filters.config import Measures
from partpool.pool.sorted_parts import LENGTH

CLASSES = 4
BOX = (0, 0, 3, 2)
ITEMS = st.lists(
    st.tuples(st.sampled_from(["a.jpg", "b.jpg", "é.jpg"]), st.lists(st.integers(0, CLASSES - 1), max_size=4)),
    max_size=5,
)


def part(class_id: int, data: bytes) -> EncodedPart:
    return EncodedPart(class_id, 2, 3, 0, BOX, BOX, Measures(6, 3, 2, 1.0, 1.0, 0.0, 9.0), data, None)


def spool(folder: Path, units: list[list[tuple[str, list[int]]]]) -> list[tuple[int, str, bytes, bytes]]:
    """Write units; every part as (class, source, digest, bytes), in the order of the units."""
    rows: list[tuple[int, str, bytes, bytes]] = []
    for number, items in enumerate(units):
        cut_items = []
        for name, classes in items:
            digest, parts = len(rows).to_bytes(16, "big"), []
            for class_id in sorted(classes):
                data = f"part {len(rows)}".encode() * (1 + len(rows) % 3)
                rows.append((class_id, name, digest, data))
                parts.append(part(class_id, data))
            counts = Counter((class_id, "kept") for class_id in classes)
            cut_items.append(CutItem(name, 9, 9, digest, float(number), parts, counts))
        put_unit(folder, encode_unit(number, "token", cut_items, [], 0)[0])
    return rows


@settings(max_examples=40, deadline=None)
@given(units=st.lists(ITEMS, max_size=4), picked=st.randoms(use_true_random=False))
def test_parts_are_sorted_by_class_and_source(
    tmp_path_factory: pytest.TempPathFactory, units: list[list[tuple[str, list[int]]]], picked: Any
) -> None:
    folder = tmp_path_factory.mktemp("spool")
    rows = spool(folder, units)
    expected = sorted(rows, key=lambda row: (row[0], row[1].encode(), row[2]))
    run = SpoolRun(folder, len(units), CLASSES)
    assert run.start.tolist() == [sum(row[0] < class_id for row in rows) for class_id in range(CLASSES + 1)]
    assert b"".join(run.encoded_patches(np.arange(len(rows)))) == b"".join(row[3] for row in expected)
    assert run.column(LENGTH, 0, len(rows)).tolist() == [len(row[3]) for row in expected]
    sources = list(zip(run.sources["name"].tolist(), map(bytes, run.sources["digest"]), strict=True))
    assert sources == sorted(sources)
    assert [sources[number] for number in run.column("source", 0, len(rows)).tolist()] == [
        (row[1].encode(), row[2]) for row in expected
    ]
    assert run.counts == Counter((row[0], "kept") for row in rows)
    some = sorted(picked.sample(range(len(rows)), len(rows) // 2))
    assert b"".join(run.encoded_patches(np.array(some, np.int64))) == b"".join(expected[row][3] for row in some)


def test_a_file_that_is_shorter_than_its_manifest_says(tmp_path: Path) -> None:
    spool(tmp_path, [[("a.jpg", [0, 1])]])
    run = SpoolRun(tmp_path, 1, CLASSES)
    blob = blob_path(tmp_path, 0)
    blob.write_bytes(blob.read_bytes()[:-1])
    with pytest.raises(OSError, match=r"00000000\.blob is shorter than its manifest says"):
        list(run.encoded_patches(np.arange(2)))
