"""Room for a build is estimated from a few items, and only where it may be short."""

from __future__ import annotations

from pathlib import Path

import pytest

from partpool import ASDA26, build, find_lip
from partpool.building import disk_estimate
from partpool.building.disk_estimate import PLENTY, SAMPLE, check_room_for_build
from partpool.cutting.cutter import Recipe
from partpool.errors import OutputError
from partpool.pool import disk_space
from partpool.pool.format import ROW_BYTES
from partpool.sources import Item

RECIPE = Recipe(ASDA26)


def leave_free(monkeypatch: pytest.MonkeyPatch, size: float) -> None:
    for module in (disk_estimate, disk_space):
        monkeypatch.setattr(module, "free_bytes", lambda _: int(size))


@pytest.mark.parametrize("done", [0, 3, 6])
def test_spool_and_pool_must_fit(people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, done: int) -> None:
    """Where every item is in the sample, the estimate is what they take: each is in the spool and in the pool."""
    items = find_lip(people)
    assert len(items) <= SAMPLE
    report = build(items, None)
    need = 0.6 * report.pool_bytes / 6 * (2 * 6 - done)
    leave_free(monkeypatch, need + 10)
    check_room_for_build(tmp_path, RECIPE, items, done)
    leave_free(monkeypatch, need - 10)
    with pytest.raises(OutputError, match=r"the build needs about .* for spool and pool, at least"):
        check_room_for_build(tmp_path, RECIPE, items, done)
    assert report.pool_bytes > report.parts * ROW_BYTES


def test_nothing_is_cut_where_there_is_plenty(people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("an item was cut")

    monkeypatch.setattr(disk_estimate, "Cutter", refuse)
    leave_free(monkeypatch, PLENTY * 6 + 1)
    check_room_for_build(tmp_path, RECIPE, find_lip(people), 0)
    leave_free(monkeypatch, PLENTY * 6)
    with pytest.raises(AssertionError, match="an item was cut"):
        check_room_for_build(tmp_path, RECIPE, find_lip(people), 0)


def test_items_that_fail_are_no_estimate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    leave_free(monkeypatch, 0)
    check_room_for_build(tmp_path, RECIPE, [Item(f"{number}.jpg", None, None) for number in range(40)], 0)
