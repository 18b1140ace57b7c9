"""One build: what it counts, what ends it, and what is left for the next one."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from interrupted_builds import ITEMS, interrupt
from partpool import PartPool, build, find_lip
from partpool.building import work_unit as work_module
from partpool.building.report import BuildProgress
from partpool.building.work_unit import UNIT
from partpool.errors import BuildStoppedError, OutputError


def test_resumed_items_are_told(lip: Path, tmp_path: Path) -> None:
    interrupt(find_lip(lip), tmp_path / "pool.h5", 2 * UNIT)
    seen: list[BuildProgress] = []
    build(find_lip(lip), tmp_path / "pool.h5", on_progress=seen.append, workers=2)
    assert seen[0].done == seen[0].resumed == 2 * UNIT
    assert seen[-1].done == ITEMS


def test_ctrl_c_says_how_to_go_on(lip: Path, tmp_path: Path) -> None:
    def stop(_: BuildProgress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt, match=r"kept in .*pool\.h5\.spool, and the same command goes on with it"):
        build(find_lip(lip), tmp_path / "pool.h5", on_progress=stop)


def test_an_interruption_before_anything_is_done_leaves_nothing(
    lip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(work_module.UnitCutter, "__call__", stop)
    with pytest.raises(KeyboardInterrupt):
        build(find_lip(lip), tmp_path / "pool.h5")
    assert not list(tmp_path.iterdir())


def test_too_many_failed_items_stop_and_more_go_on(lip: Path, whole: tuple[bytes, Any], tmp_path: Path) -> None:
    """The unit that stopped a build is not kept: the same build would stop at once, whatever was done about it."""
    out = tmp_path / "pool.h5"
    with pytest.raises(BuildStoppedError, match="no failed item is allowed"):
        build(find_lip(lip), out, max_errors=0)
    assert not list(tmp_path.iterdir())
    with pytest.raises(BuildStoppedError, match=r"1 failed items are allowed.*goes on with it"):
        build(find_lip(lip), out, max_errors=1)
    assert build(find_lip(lip), out).resumed == 2 * UNIT
    assert out.read_bytes() == whole[0]


def test_failed_items_of_before_count(lip: Path, tmp_path: Path) -> None:
    """Also where nothing is left to be cut."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("partpool.building.build_job.pack", interrupt_now)
        with pytest.raises(KeyboardInterrupt):
            build(find_lip(lip), tmp_path / "pool.h5")
    with pytest.raises(BuildStoppedError, match="no failed item is allowed"):
        build(find_lip(lip), tmp_path / "pool.h5", max_errors=0)
    assert build(find_lip(lip), tmp_path / "pool.h5").resumed == ITEMS


def interrupt_now(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_disk_that_fills_up(
    lip: Path, whole: tuple[bytes, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = work_module.put_unit

    def put(folder: Path, unit: Any) -> None:
        if unit.number == 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(folder, unit)

    monkeypatch.setattr(work_module, "put_unit", put)
    with pytest.raises(OutputError, match="No space left on device; the finished work is kept"):
        build(find_lip(lip), tmp_path / "pool.h5")
    monkeypatch.undo()
    assert build(find_lip(lip), tmp_path / "pool.h5").resumed == 3 * UNIT
    assert (tmp_path / "pool.h5").read_bytes() == whole[0]


def test_items_that_are_no_source(lip: Path, tmp_path: Path) -> None:
    items = list(find_lip(lip))[:20]
    interrupt(items, tmp_path / "pool.h5", UNIT)
    assert build(items, tmp_path / "pool.h5").resumed == UNIT


def test_dry_run_estimates_without_writing(lip: Path, tmp_path: Path) -> None:
    os.chdir(tmp_path)
    dry = build(find_lip(lip), None)
    wet = build(find_lip(lip), tmp_path / "pool.h5")
    assert dry.counts == wet.counts
    assert dry.out is None
    assert dry.pool_bytes == pytest.approx(wet.pool_bytes, rel=0.1)
    assert [path.name for path in tmp_path.iterdir()] == ["pool.h5"]


def test_progress_reaches_the_end(lip: Path, tmp_path: Path) -> None:
    seen: list[BuildProgress] = []
    report = build(find_lip(lip), tmp_path / "pool.h5", on_progress=seen.append)
    assert [progress.done for progress in seen] == [16, 32, 48, 64, 70]
    assert seen[-1].parts == report.parts


def test_failures_are_listed_and_may_stop_the_build(lip: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(lip, copy)
    (copy / "train_images/000005.jpg").unlink()
    report = build(find_lip(copy), tmp_path / "pool.h5")
    assert [(item.name, item.reason) for item in report.failed] == [
        ("train_images/000003.jpg", "label-empty"),
        ("train_images/000005", "image-missing"),
        ("train_images/000040.jpg", "label-empty"),
    ]
    assert PartPool(tmp_path / "pool.h5").info()["errors"] == {"image-missing": 1, "label-empty": 2}
    for allowed in (0, 2):
        with pytest.raises(BuildStoppedError, match="no pool was written"):
            build(find_lip(copy), tmp_path / "stopped.h5", max_errors=allowed)
    assert build(find_lip(copy), tmp_path / "fine.h5", max_errors=3).parts == report.parts
    assert not (tmp_path / "stopped.h5").exists()
