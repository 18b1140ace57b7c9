"""``partpool build`` where the machine does not play along: closed folders, full disks, Ctrl-C."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import PYTHON, Cli, Run, one_sentence
from partpool import PartPool, build, find_lip

ALONE = ("--workers", "0")


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def public_lip(people: Path, public_folder: Path) -> Path:
    """A data set that every user may read."""
    return shutil.copytree(people, public_folder / "LIP")


@pytest.mark.parametrize("exists", [False, True])
def test_a_read_only_output_folder(
    unprivileged: Cli, public_lip: Path, public_folder: Path, pool: Path, exists: bool
) -> None:
    out = public_folder / "out" / "pool.h5"
    out.parent.mkdir()
    if exists:
        shutil.copy(pool, out)
    out.parent.chmod(0o555)
    run = unprivileged("build", "--lip", public_lip, "--out", out, "--overwrite", *ALONE)
    assert (run.code, run.out) == (5, "")
    assert f"{out.parent} cannot be written to: Permission denied" in one_sentence(run.err)
    assert left(out.parent) == (["pool.h5"] if exists else [])
    assert not exists or out.read_bytes() == pool.read_bytes()


def test_a_closed_output_folder(unprivileged: Cli, public_lip: Path, public_folder: Path) -> None:
    (public_folder / "closed").mkdir()
    (public_folder / "closed").chmod(0)
    run = unprivileged("build", "--lip", public_lip, "--out", public_folder / "closed" / "pool.h5", *ALONE)
    assert (run.code, run.out) == (5, "")
    assert "Permission denied" in one_sentence(run.err)
    assert left(public_folder / "closed") == []


def test_closed_files_are_failed_items(unprivileged: Cli, public_lip: Path, public_folder: Path) -> None:
    (public_lip / "train_images" / "000001.jpg").chmod(0)
    (public_lip / "train_segmentations" / "000004.png").chmod(0)
    run = unprivileged("build", "--lip", public_lip, "--out", public_folder / "pool.h5", *ALONE)
    assert run.code == 3
    assert "2 of 6 items failed: image-unreadable 1, label-unreadable 1" in run.err
    assert "  train_images/000001.jpg: the image file cannot be read: Permission denied" in run.err
    assert "  train_images/000004.jpg: the label file cannot be read: Permission denied" in run.err
    assert len(PartPool(public_folder / "pool.h5")) > 0


@pytest.mark.parametrize("closed", ["", "train_images", "train_segmentations", "train_id.txt"])
def test_a_closed_source_is_not_found(unprivileged: Cli, public_lip: Path, public_folder: Path, closed: str) -> None:
    (public_lip / closed).chmod(0)
    run = unprivileged("build", "--lip", public_lip, "--out", public_folder / "pool.h5", *ALONE)
    assert (run.code, run.out) == (4, "")
    assert "cannot be read: Permission denied" in one_sentence(run.err)
    assert left(public_folder) == ["LIP"]


@pytest.mark.parametrize("room", [0.01, 0.6, 1.3, 1.9], ids=lambda room: f"{room:g}")
@pytest.mark.parametrize("overwrite", [False, True], ids=["new", "overwrite"])
def test_a_full_disk(
    full_disk: Callable[..., tuple[Run, Path]], people: Path, tmp_path: Path, room: float, overwrite: bool
) -> None:
    """The spool needs room once, packing it twice. What cannot fit is not begun; what was done is not lost."""
    size = build(find_lip(people), tmp_path / "raw.h5", codec="raw").pool_bytes
    run, after = full_disk(
        int(room * size), "build", "--lip", people, "--out", "pool.h5", "--codec", "raw", "--quiet", *ALONE,
        *(["--overwrite"] if overwrite else []), before="printf old > pool.h5" if overwrite else "true",
    )  # fmt: skip
    assert (run.code, run.out) == (5, "")
    said = one_sentence(run.err)
    assert "No space left on device" in said
    begun = room > 1
    assert ("goes on with it" in said) == begun
    assert left(after) == (["pool.h5"] if overwrite else []) + (["pool.h5.spool"] if begun else [])
    assert not overwrite or (after / "pool.h5").read_text() == "old"
    report = build(find_lip(people), after / "pool.h5", codec="raw", overwrite=True)
    assert report.resumed == (6 if begun else 0)
    assert (after / "pool.h5").read_bytes() == (tmp_path / "raw.h5").read_bytes()


def test_a_full_disk_with_workers(full_disk: Callable[..., tuple[Run, Path]], crowd: Path) -> None:
    run, after = full_disk(
        2_000_000, "build", "--lip", crowd, "--limit", "40", "--out", "pool.h5", "--workers", "2", "--quiet"
    )
    assert (run.code, run.out) == (5, "")
    assert "No space left on device" in one_sentence(run.err)
    assert left(after) == []


def start(*args: object) -> subprocess.Popen[str]:
    """The command in a process group of its own."""
    pipe = subprocess.PIPE
    return subprocess.Popen([*PYTHON, *map(str, args)], stdout=pipe, stderr=pipe, text=True, start_new_session=True)


def alive(group: int) -> list[str]:
    """Processes of a group that have not ended; a zombie has."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group and fields[0] != "Z":
            found.append(status.parent.name)
    return found


def wait_for(condition: Callable[[], object], seconds: float = 20) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.01)
    return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
@pytest.mark.parametrize("overwrite", [False, True], ids=["new", "overwrite"])
@pytest.mark.parametrize(
    ("workers", "to_all", "moment"),
    [
        (0, False, "cutting"),
        (2, False, "cutting"),
        (2, True, "cutting"),
        (2, False, "starting 0.05"),
        (2, True, "starting 0.05"),
        (2, True, "starting 0.2"),
        (2, True, "starting 0.3"),
    ],
)
@pytest.mark.slow
def test_interrupted(
    crowd: Path, crowd_pool: Path, tmp_path: Path, workers: int, to_all: bool, moment: str, overwrite: bool
) -> None:
    """A signal to one process, or as a terminal sends it: to all of them."""
    out = tmp_path / "pool.h5"
    if overwrite:
        out.write_text("old")
    command = [*PYTHON, "build", "--lip", str(crowd), "--out", str(out), "--workers", str(workers), "--overwrite"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        assert wait_for((tmp_path / "pool.h5.spool" / "build.json").exists)
        if moment == "cutting":
            assert wait_for(lambda: list(tmp_path.glob("pool.h5.spool/*.npz")))
        else:
            time.sleep(float(moment.split()[1]))
        assert process.poll() is None
        (os.killpg if to_all else os.kill)(process.pid, signal.SIGINT)
        out_text, err_text = process.communicate(timeout=30)
    finally:
        process.kill()
    assert (process.returncode, out_text) == (130, "")
    said = one_sentence(err_text)
    assert said.startswith("interrupted")
    kept = (tmp_path / "pool.h5.spool").exists()
    assert kept or moment != "cutting"
    assert ("the same command goes on with it" in said) == kept
    assert left(tmp_path) == (["pool.h5"] if overwrite else []) + (["pool.h5.spool"] if kept else [])
    assert not overwrite or out.read_text() == "old"
    assert wait_for(lambda: not alive(process.pid), seconds=5), "worker processes are still there"
    assert not list(tmp_path.glob("pool.h5.spool/*.partial"))
    if moment == "cutting" and not overwrite:
        assert build(find_lip(crowd), out).resumed > 0
        assert out.read_bytes() == crowd_pool.read_bytes()
        assert left(tmp_path) == ["pool.h5"]


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
@pytest.mark.slow
def test_a_killed_build_goes_on(crowd: Path, crowd_pool: Path, tmp_path: Path) -> None:
    process = start("build", "--lip", crowd, "--out", tmp_path / "pool.h5", "--workers", 2)
    assert wait_for(lambda: list(tmp_path.glob("pool.h5.spool/*.npz")))
    process.kill()
    process.communicate(timeout=10)
    assert wait_for(lambda: not alive(process.pid), seconds=5), "worker processes are still there"
    assert left(tmp_path) == ["pool.h5.spool"]
    assert build(find_lip(crowd), tmp_path / "pool.h5").resumed > 0
    assert (tmp_path / "pool.h5").read_bytes() == crowd_pool.read_bytes()
    assert left(tmp_path) == ["pool.h5"]


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
@pytest.mark.slow
def test_a_killed_worker_is_replaced(crowd: Path, crowd_pool: Path, tmp_path: Path) -> None:
    command = [*PYTHON, "build", "--lip", str(crowd), "--out", str(tmp_path / "pool.h5"), "--workers", "2"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert wait_for(lambda: list(tmp_path.glob("pool.h5.spool/*.npz")))
    workers = [int(pid) for pid in alive(process.pid) if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    os.kill(workers[0], signal.SIGKILL)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert (tmp_path / "pool.h5").read_bytes() == crowd_pool.read_bytes()
    assert left(tmp_path) == ["pool.h5"]


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
@pytest.mark.slow
def test_workers_that_keep_dying_stop_the_build(crowd: Path, tmp_path: Path) -> None:
    process = start("build", "--lip", crowd, "--out", tmp_path / "pool.h5", "--workers", 2)
    assert wait_for(lambda: list(tmp_path.glob("pool.h5.spool/*.npz")))
    while process.poll() is None:
        for pid in alive(process.pid):
            with contextlib.suppress(OSError):
                if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    os.kill(int(pid), signal.SIGKILL)
        time.sleep(0.02)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (3, "")
    said = one_sentence(err)
    assert said.startswith("a worker process died 3 times, at train_images/")
    assert "the same command goes on with it" in said
    assert left(tmp_path) == ["pool.h5.spool"]


def test_hostile_archives_leave_nothing_behind(cli: Cli, people: Path, tmp_path: Path) -> None:
    root = tmp_path / "LIP"
    root.mkdir()
    with zipfile.ZipFile(root / "all.zip", "w", zipfile.ZIP_DEFLATED) as file:
        for folder in ("train_images", "train_segmentations"):
            for path in sorted((people / folder).iterdir()):
                file.write(path, f"{folder}/{path.name}")
        for name in ("../evil.jpg", "/tmp/evil.jpg", "train_images/../../evil.jpg"):
            file.writestr(name, b"evil")
        file.writestr("train_images/bomb.jpg", bytes(2**20))
        file.writestr("train_segmentations/bomb.png", bytes(2**20))
    before = sorted(tmp_path.rglob("*"))
    run = cli("build", "--lip", root, "--dry-run", *ALONE)
    assert run.code == 3
    assert "3 names that lead out of the archive were left out" in run.err
    assert "1 of 7 items failed: label-unreadable 1" in run.err
    assert sorted(tmp_path.rglob("*")) == before
