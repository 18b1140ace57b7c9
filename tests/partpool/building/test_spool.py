"""Resuming: the same bytes as without an interruption, and never out of something else."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interrupted_builds import UNITS, interrupt
from partpool import build, find_lip
from partpool.building.report import BuildProgress
from partpool.building.work_unit import UNIT
from partpool.errors import ConfigError, OutputError


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
