"""Units of work: all items once, in order, as they were when the build began."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partpool import ASDA26, PartPool, build, find_lip
from partpool.building.fingerprint import file_stats
from partpool.building.report import BuildProgress
from partpool.building.work_unit import UNIT, Totals, UnitCutter, unit_count, units
from partpool.cutting.cutter import Recipe
from partpool.errors import ConfigError
from partpool.segment.scheme_alarm import Sightings
from partpool.sources import Item


def test_a_file_that_changes_meanwhile_is_a_failed_item(lip: Path, tmp_path: Path) -> None:
    root = tmp_path / "LIP"
    shutil.copytree(lip, root)

    def change(progress: BuildProgress) -> None:
        if progress.done == UNIT:
            image = root / "train_images" / "000050.jpg"
            image.write_bytes(image.read_bytes() + b"more")
            (root / "train_images" / "000055.jpg").unlink()

    report = build(find_lip(root), tmp_path / "pool.h5", on_progress=change)
    assert [(item.name, item.reason) for item in report.failed][2:] == [
        ("train_images/000050.jpg", "changed"),
        ("train_images/000055.jpg", "image-missing"),
    ]
    assert "train_images/000050.jpg" not in {part.source for part in PartPool(tmp_path / "pool.h5")}


@given(st.integers(0, 4 * UNIT + 1))
def test_units_divide_the_items_in_order(count: int) -> None:
    items = [Item(f"{number}.jpg", None, None) for number in range(count)]
    found = list(units(items, [()] * count, range(unit_count(items))))
    assert [item for unit in found for item in unit.items] == items
    assert [unit.number for unit in found] == list(range(len(found)))
    assert all(len(unit.items) == len(unit.stats) == UNIT for unit in found[:-1])
    assert all(0 < len(unit.items) <= UNIT for unit in found)


def test_units_are_found_from_any_folder(people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(people.parent)
    items = find_lip(people.name).items
    (unit,) = units(items, [file_stats(item) for item in items], [0])
    monkeypatch.chdir(tmp_path)
    assert not UnitCutter(Recipe(ASDA26))(unit).summary.failed


def test_totals_keep_failed_items_in_order(people: Path, tmp_path: Path) -> None:
    """Units may end in any order."""
    items = [Item(f"{number:03d}.jpg", None, None) for number in range(2 * UNIT)] + list(find_lip(people))
    totals, cutter = Totals(Sightings.of(ASDA26.scheme)), UnitCutter(Recipe(ASDA26))
    done = [cutter(unit) for unit in units(items, [file_stats(item) for item in items], [2, 1, 0])]
    for finished in done:
        totals.add(finished.number, finished.summary)
    assert [item.name for item in totals.failed] == [item.name for item in items[: 2 * UNIT]]
    assert {item.reason for item in totals.failed} == {"label-missing"}
    assert totals.items == len(items)
    assert totals.parts == done[0].summary.parts > 0
    assert totals.seen.people == 6


@pytest.mark.parametrize("token", ["the spool's", "another"])
def test_files_go_into_the_spool_or_back(people: Path, tmp_path: Path, token: str) -> None:
    """A folder that does not hold the token is another one, as this machine sees it."""
    (tmp_path / "build.json").write_text('{"token": "the spool\'s"}\n')
    items = find_lip(people).items
    (unit,) = units(items, [file_stats(item) for item in items], [0])
    done = UnitCutter(Recipe(ASDA26), tmp_path, token)(unit)
    written = {path.name for path in tmp_path.iterdir()} - {"build.json"}
    if token == "another":
        assert done.files is not None
        assert (len(done.files.patches), written) == (done.summary.parts, set())
    else:
        assert (done.files, written) == (None, {"00000000.blob", "00000000.npz"})


def test_a_worker_of_other_versions_refuses(people: Path) -> None:
    (unit,) = units(find_lip(people).items[:1], [()], [0])
    with pytest.raises(ConfigError, match="a worker has other versions"):
        UnitCutter(Recipe(ASDA26), versions={"numpy": "0"})(unit)


def test_an_item_whose_files_differ_from_before_fails(lip: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(lip, tmp_path / "LIP"))
    items = find_lip(root).items[:1]
    (unit,) = units(items, [file_stats(item) for item in items], [0])
    os.utime(root / "train_images" / "000000.jpg", (1, 1))
    (failed,) = UnitCutter(Recipe(ASDA26))(unit).summary.failed
    assert (failed.name, failed.reason) == ("train_images/000000.jpg", "changed")
