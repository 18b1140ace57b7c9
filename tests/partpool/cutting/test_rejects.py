"""The list and the sheets of rejected segments."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from partpool import FilterConfig, build, find_lip
from partpool.cutting.rejects import LIST, SHOWN, Reject, RejectsFolder
from partpool.errors import BuildStoppedError, OutputError
from partpool.filters.config import REASONS
from partpool.pool.contact_sheet import TILE
from partpool.sources import Item
from partpool.synthetic.people import write_lip_dataset


@pytest.fixture(scope="module")
def lip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("lip")
    write_lip_dataset(root, 20, seed=4)
    return root


def rows(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / LIST).read_text("utf-8").splitlines()]


def reject(number: int, reason: str = "small") -> Reject:
    tile = cv2.imencode(".jpg", np.zeros((TILE, TILE, 3), np.uint8))[1].tobytes()
    return Reject(f"é{number}.jpg", "hat", reason, "area", number, 9, (0, 0, number, 1), tile)


def test_every_rejected_segment_is_listed_with_what_failed(lip: Path, tmp_path: Path) -> None:
    report = build(find_lip(lip), tmp_path / "pool.h5", save_rejects=tmp_path / "rejects")
    listed = rows(tmp_path / "rejects")
    counted = {
        (name, reason): count
        for name, outcomes in report.counts.items()
        for reason, count in outcomes.items()
        if reason in REASONS
    }
    assert Counter((row["part"], row["reason"]) for row in listed) == counted
    assert {row["reason"] for row in listed} >= {"small", "scattered", "duplicate"}
    config = FilterConfig()
    for row in listed:
        with Image.open(lip / "train_segmentations" / f"{Path(row['source']).stem}.png") as labels:
            width, height = labels.size
        x0, y0, x1, y1 = row["box"]
        assert 0 <= x0 < x1 <= width
        assert 0 <= y0 < y1 <= height
        below = row["reason"] in ("small", "scattered", "sparse", "flat") or row["measure"] == "shorter side"
        assert (row["value"] < row["limit"]) if below else (row["value"] > row["limit"]), row
        if row["reason"] == "small":
            assert row["limit"] == config.min_area


def test_a_sheet_for_each_reason(lip: Path, tmp_path: Path) -> None:
    folder = tmp_path / "rejects"
    build(find_lip(lip), None, save_rejects=folder)
    reasons = {row["reason"] for row in rows(folder)}
    assert sorted(path.name for path in folder.iterdir()) == sorted([LIST, *(f"{reason}.png" for reason in reasons)])
    for reason in reasons:
        sheet = np.asarray(Image.open(folder / f"{reason}.png"))
        assert sheet.ndim == 3
        assert sheet.std() > 10


def test_the_same_files_for_any_number_of_workers(lip: Path, tmp_path: Path) -> None:
    for workers in (0, 2):
        build(find_lip(lip), None, workers=workers, save_rejects=tmp_path / str(workers))
    files = sorted(path.name for path in (tmp_path / "0").iterdir())
    assert files == sorted(path.name for path in (tmp_path / "2").iterdir())
    for name in files:
        assert (tmp_path / "0" / name).read_bytes() == (tmp_path / "2" / name).read_bytes()


def test_the_pool_is_the_same_with_and_without(lip: Path, tmp_path: Path) -> None:
    build(find_lip(lip), tmp_path / "a.h5", save_rejects=tmp_path / "rejects")
    build(find_lip(lip), tmp_path / "b.h5")
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


def test_units_may_come_in_any_order(tmp_path: Path) -> None:
    with RejectsFolder(tmp_path / "rejects") as folder:
        for unit in (2, 0, 1):
            folder.add(unit, [reject(10 * unit + n) for n in range(2)])
        assert not (tmp_path / "rejects" / LIST).exists()
        folder.finish()
    assert [row["value"] for row in rows(tmp_path / "rejects")] == [0, 1, 10, 11, 20, 21]
    assert rows(tmp_path / "rejects")[0]["source"] == "é0.jpg"


def test_sheets_stay_small_whatever_is_rejected(lip: Path, tmp_path: Path) -> None:
    build(find_lip(lip), None, filters=FilterConfig(min_area=10**7), save_rejects=tmp_path)
    assert len(rows(tmp_path)) > SHOWN
    with Image.open(tmp_path / "small.png") as sheet:
        assert sheet.height < 2000


def test_earlier_rejects_are_safe(lip: Path, tmp_path: Path) -> None:
    source, folder = find_lip(lip).limit(3), tmp_path / "rejects"
    build(source, None, save_rejects=folder)
    before = (folder / LIST).read_bytes()
    (folder / "mine.txt").write_text("mine")
    with pytest.raises(OutputError, match="pass --overwrite"):
        build(source, None, save_rejects=folder)
    with pytest.raises(BuildStoppedError):
        build([*source, Item("no.jpg", None, None)], None, max_errors=0, save_rejects=folder, overwrite=True)
    assert (folder / LIST).read_bytes() == before
    # What is kept now leaves no sheet of an earlier build behind.
    kept_all = FilterConfig(
        min_area=1, min_largest=0, min_largest_of={}, min_side=1, max_aspect=1000, min_fill=0, max_raggedness=1000,
        max_raggedness_of={}, max_border=1, min_texture=0, max_iou=1,
    )  # fmt: skip
    build(source, None, save_rejects=folder, overwrite=True, filters=kept_all)
    assert sorted(path.name for path in folder.iterdir()) == ["mine.txt", LIST]
    assert rows(folder) == []


def test_a_folder_that_cannot_be_written(lip: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be written to"):
        build(find_lip(lip), None, save_rejects=tmp_path / "file" / "rejects")
