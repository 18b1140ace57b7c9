"""Resuming: the same bytes as without an interruption, and never out of something else."""

from __future__ import annotations

import errno
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import write_small_people
from partpool import EXTENDED, FilterConfig, PartPool, build, find_lip
from partpool.building import work_unit as work_module
from partpool.building.report import BuildProgress
from partpool.building.work_unit import UNIT
from partpool.errors import BuildStoppedError, ConfigError, OutputError
from partpool.sources import Source

ITEMS = 70
UNITS = -(-ITEMS // UNIT)


@pytest.fixture(scope="module")
def lip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seventy items, two of them damaged: five units."""
    root = tmp_path_factory.mktemp("lip")
    write_small_people(root, ITEMS)
    (root / "train_segmentations" / "000003.png").write_bytes(b"")
    (root / "train_segmentations" / "000040.png").write_bytes(b"")
    return root


@pytest.fixture(scope="module")
def whole(lip: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, Any]:
    """The pool of one undisturbed build, and its report."""
    out = tmp_path_factory.mktemp("whole") / "pool.h5"
    report = build(find_lip(lip), out)
    return out.read_bytes(), report


class EndError(Exception):
    """Stands for anything that ends a build."""


def interrupt(source: Any, out: Path, after: int, error: type[BaseException] = EndError, **options: Any) -> Path:
    """Build until ``after`` items are done; returns the spool."""

    def stop(progress: BuildProgress) -> None:
        if progress.done - progress.resumed >= after:
            raise error

    with pytest.raises(error):
        build(source, out, on_progress=stop, **options)
    assert not out.exists()
    return out.with_name(out.name + ".spool")


@settings(max_examples=12, deadline=None)
@given(moments=st.lists(st.integers(1, UNITS), max_size=4), cut=st.sampled_from(["nothing", "blob", "manifest"]))
@pytest.mark.slow
def test_any_number_of_interruptions(
    lip: Path, whole: tuple[bytes, Any], tmp_path_factory: pytest.TempPathFactory, moments: list[int], cut: str
) -> None:
    """Also where a machine has lost power, so that a file has its name but not all of its bytes."""
    out = tmp_path_factory.mktemp("moments") / "pool.h5"
    done = 0
    for units in moments:
        if done + units >= UNITS:
            break
        spool = interrupt(find_lip(lip), out, units * UNIT)
        done += units
        assert len(list(spool.glob("*.npz"))) == done
        damaged = {"blob": spool / "00000000.blob", "manifest": spool / "00000000.npz"}.get(cut)
        if damaged is not None:
            damaged.write_bytes(damaged.read_bytes()[:-100])
            done -= 1
    report = build(find_lip(lip), out)
    assert report.resumed == done * UNIT
    assert out.read_bytes() == whole[0]
    assert [item.name for item in report.failed] == [item.name for item in whole[1].failed]
    assert (report.parts, report.counts) == (whole[1].parts, whole[1].counts)
    assert [path.name for path in out.parent.iterdir()] == ["pool.h5"]


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


def touch(root: Path) -> None:
    os.utime(root / "train_images" / "000007.jpg", (1, 1))


def swap(root: Path) -> None:
    shutil.copy(root / "train_images" / "000008.jpg", root / "train_images" / "000007.jpg")


def vanish(root: Path) -> None:
    (root / "train_segmentations" / "000007.png").unlink()


def add(root: Path) -> None:
    (root / "train_id.txt").unlink()
    shutil.copy(root / "train_images" / "000008.jpg", root / "train_images" / "zz.jpg")


CHANGES: list[tuple[Callable[[Path], object] | None, dict[str, Any], str]] = [
    (touch, {}, r"train_images/000007\.jpg was written again"),
    (swap, {}, r"train_images/000007\.jpg has changed \([\d,]+ bytes, now [\d,]+\)"),
    (vanish, {}, r"train_images/000007\.jpg has lost a file"),
    (add, {}, r"70 items were found, now 71; train_images/zz\.jpg is new"),
    (None, {"codec": "png"}, r"codec was jpeg, is png"),
    (None, {"max_side": 64}, r"max_side was 320, is 64"),
    (None, {"filters": FilterConfig(min_area=7)}, r"filters\.min_area was 1225, is 7"),
    (None, {"taxonomy": EXTENDED}, r"taxonomy was asda26, is extended|; and \d+ more"),
]


@pytest.mark.parametrize(("change", "options", "said"), CHANGES, ids=lambda value: getattr(value, "__name__", None))
def test_a_change_is_refused_and_shown(
    lip: Path, tmp_path: Path, change: Callable[[Path], object] | None, options: dict[str, Any], said: str
) -> None:
    root, out = tmp_path / "LIP", tmp_path / "pool.h5"
    shutil.copytree(lip, root)
    spool = interrupt(find_lip(root), out, UNIT)
    before = sorted(path.name for path in spool.iterdir())
    if change:
        change(root)
    with pytest.raises(ConfigError, match=said) as refused:
        build(find_lip(root), out, **options)
    assert "Pass --no-resume to start over" in str(refused.value)
    assert sorted(path.name for path in spool.iterdir()) == before
    assert not out.exists()
    build(find_lip(root), tmp_path / "fresh.h5", **options)
    assert build(find_lip(root), out, resume=False, **options).resumed == 0
    assert out.read_bytes() == (tmp_path / "fresh.h5").read_bytes()


def test_other_versions_are_refused(lip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupt(find_lip(lip), tmp_path / "pool.h5", UNIT)
    monkeypatch.setattr("partpool.building.fingerprint.versions", lambda: {"partpool": "99"})
    with pytest.raises(ConfigError, match=r"version of numpy was .*, is not set"):
        build(find_lip(lip), tmp_path / "pool.h5")


def test_what_does_not_decide_the_bytes_may_change(lip: Path, whole: tuple[bytes, Any], tmp_path: Path) -> None:
    interrupt(find_lip(lip), tmp_path / "pool.h5", UNIT, workers=2, overwrite=True)
    assert build(find_lip(lip), tmp_path / "pool.h5", max_errors=5).resumed >= UNIT
    assert (tmp_path / "pool.h5").read_bytes() == whole[0]


def test_a_moved_data_set_and_spool_go_on(lip: Path, whole: tuple[bytes, Any], tmp_path: Path) -> None:
    interrupt(find_lip(lip), tmp_path / "a.h5", UNIT)
    (tmp_path / "a.h5.spool").rename(tmp_path / "b.h5.spool")
    shutil.copytree(lip, tmp_path / "LIP")
    assert build(find_lip(tmp_path / "LIP"), tmp_path / "b.h5").resumed == UNIT
    assert (tmp_path / "b.h5").read_bytes() == whole[0]


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


def test_two_builds_at_once(lip: Path, whole: tuple[bytes, Any], tmp_path: Path) -> None:
    """The second is refused, whatever it wants; the first notices nothing."""
    out, refusals = tmp_path / "pool.h5", []

    def again(progress: BuildProgress) -> None:
        if progress.done == UNIT:
            for options in ({}, {"resume": False}, {"overwrite": True}, {"codec": "raw"}):
                with pytest.raises(OutputError, match="is in use by process") as refused:
                    build(find_lip(lip), out, **options)  # type: ignore[arg-type]
                refusals.append(refused)

    build(find_lip(lip), out, on_progress=again)
    assert len(refusals) == 4
    assert out.read_bytes() == whole[0]


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


@pytest.mark.parametrize("clock", [0, 2**33])
def test_a_clock_that_jumps(
    lip: Path, whole: tuple[bytes, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: int
) -> None:
    interrupt(find_lip(lip), tmp_path / "pool.h5", UNIT)
    monkeypatch.setattr(time, "time", lambda: float(clock))
    for path in (tmp_path / "pool.h5.spool").iterdir():
        os.utime(path, (clock, clock))
    assert build(find_lip(lip), tmp_path / "pool.h5").resumed == UNIT
    assert (tmp_path / "pool.h5").read_bytes() == whole[0]


def test_what_is_no_spool_is_left_alone(lip: Path, tmp_path: Path) -> None:
    spool = tmp_path / "pool.h5.spool"
    spool.mkdir()
    (spool / "thesis.txt").write_text("mine")
    for resume in (True, False):
        with pytest.raises(OutputError, match=r"holds thesis\.txt, which is no part of a build"):
            build(find_lip(lip), tmp_path / "pool.h5", resume=resume)
    assert [path.name for path in spool.iterdir()] == ["thesis.txt"]
    shutil.rmtree(spool)
    spool.write_text("mine")
    with pytest.raises(OutputError, match="is not a folder"):
        build(find_lip(lip), tmp_path / "pool.h5")
    assert spool.read_text() == "mine"
    spool.unlink()
    (tmp_path / "elsewhere").mkdir()
    spool.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OutputError, match="is a link"):
        build(find_lip(lip), tmp_path / "pool.h5")


@pytest.mark.parametrize(
    "content", [b"", b"{}", b'{"token": "x"}\n', b'{"token": "x"}\n[]\n', b"\xff\xfe", b"null\n{}"]
)
def test_a_damaged_fingerprint(lip: Path, tmp_path: Path, content: bytes) -> None:
    spool = interrupt(find_lip(lip), tmp_path / "pool.h5", UNIT)
    (spool / "build.json").write_bytes(content)
    with pytest.raises(ConfigError, match="--no-resume"):
        build(find_lip(lip), tmp_path / "pool.h5")
    build(find_lip(lip), tmp_path / "pool.h5", resume=False)


def test_units_of_another_spool_are_not_taken(lip: Path, whole: tuple[bytes, Any], tmp_path: Path) -> None:
    """A worker that outlived its driver may still write its last unit."""
    other = interrupt(find_lip(lip), tmp_path / "other.h5", UNIT, codec="raw")
    spool = interrupt(find_lip(lip), tmp_path / "pool.h5", 2 * UNIT)
    for name in ("00000000.npz", "00000000.blob"):
        shutil.copy(other / name, spool / name)
    assert build(find_lip(lip), tmp_path / "pool.h5").resumed == UNIT
    assert (tmp_path / "pool.h5").read_bytes() == whole[0]


def test_items_that_are_no_source(lip: Path, tmp_path: Path) -> None:
    items = list(find_lip(lip))[:20]
    interrupt(items, tmp_path / "pool.h5", UNIT)
    assert build(items, tmp_path / "pool.h5").resumed == UNIT


def test_shards_divide_the_items(lip: Path) -> None:
    source = find_lip(lip)
    for of in (1, 3, 7, 100):
        shards = [source.shard(number, of) for number in range(1, of + 1)]
        assert [item.name for shard in shards for item in shard] == [item.name for item in source]
        assert max(map(len, shards)) - min(map(len, shards)) <= 1
    for number, of in ((0, 3), (4, 3), (1, 0)):
        with pytest.raises(ConfigError, match="from 1 to their count"):
            source.shard(number, of)
    assert replace(source, part=(1, 2)).part == (1, 2)
    assert isinstance(source, Source)
