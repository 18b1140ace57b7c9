"""What a unit leaves behind comes back as it was, or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from interrupted_builds import interrupt
from partpool import ASDA26, build, find_lip
from partpool.building.unit_files import (
    FailedItem,
    Summary,
    blob_path,
    check_unit,
    encode_unit,
    manifest_path,
    put_unit,
    read_unit,
    remove_unit,
)
from partpool.building.work_unit import UNIT
from partpool.cutting.cutter import Cutter, Recipe
from partpool.pool.codec import codec_id


def test_units_of_another_spool_are_not_taken(lip: Path, whole: tuple[bytes, Any], tmp_path: Path) -> None:
    """A worker that outlived its driver may still write its last unit."""
    other = interrupt(find_lip(lip), tmp_path / "other.h5", UNIT, codec="raw")
    spool = interrupt(find_lip(lip), tmp_path / "pool.h5", 2 * UNIT)
    for name in ("00000000.npz", "00000000.blob"):
        shutil.copy(other / name, spool / name)
    assert build(find_lip(lip), tmp_path / "pool.h5").resumed == UNIT
    assert (tmp_path / "pool.h5").read_bytes() == whole[0]


def write_unit(folder: Path, people: Path) -> Summary:
    """Unit 7 of three people, the third of whom failed."""
    cutter = Cutter(Recipe(ASDA26))
    cut_items = [cutter(item) for item in find_lip(people)[:2]]
    failed = [FailedItem("c.jpg", "label-empty", "the label map is an empty file")]
    files, summary = encode_unit(7, "token", cut_items, failed, codec_id("jpeg"))
    put_unit(folder, files)
    assert sorted(path.name for path in folder.iterdir()) == ["00000007.blob", "00000007.npz"]
    return summary


def test_a_unit_comes_back_as_it_was(people: Path, tmp_path: Path) -> None:
    summary, again = write_unit(tmp_path, people), check_unit(tmp_path, 7, "token")
    assert again is not None
    assert (again.items, again.parts, again.blob_bytes) == (3, summary.parts, summary.blob_bytes)
    assert (again.failed, again.counts) == (summary.failed, summary.counts)
    np.testing.assert_array_equal(again.seen, summary.seen)
    rows = read_unit(tmp_path, 7)
    assert rows.counts == summary.counts
    assert rows.patches["length"].sum() == summary.blob_bytes == blob_path(tmp_path, 7).stat().st_size
    assert (np.diff(rows.patches["class_id"].astype(int)) >= 0).all()
    assert rows.sources["name"].tolist() == [item.name.encode() for item in find_lip(people)[:2]]
    remove_unit(tmp_path, 7)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("path_of", [blob_path, manifest_path])
@pytest.mark.parametrize(
    "damage",
    [lambda data: b"", lambda data: data[:-1], lambda data: data[:200] + bytes([data[200] ^ 1]) + data[201:], None],
    ids=["empty", "cut short", "another byte", "gone"],
)
def test_a_damaged_unit_does_not_come_back(
    people: Path, tmp_path: Path, path_of: Callable[[Path, int], Path], damage: Callable[[bytes], bytes] | None
) -> None:
    write_unit(tmp_path, people)
    path = path_of(tmp_path, 7)
    path.unlink() if damage is None else path.write_bytes(damage(path.read_bytes()))
    assert check_unit(tmp_path, 7, "token") is None


def test_a_unit_of_another_spool_does_not_come_back(people: Path, tmp_path: Path) -> None:
    write_unit(tmp_path, people)
    assert check_unit(tmp_path, 7, "another") is None
    assert check_unit(tmp_path, 8, "token") is None
