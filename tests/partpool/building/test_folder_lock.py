"""The lock of a folder: one living owner, whoever has died, on any machine, with file locks or without."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from partpool.building import folder_lock as lock
from partpool.building.folder_lock import FolderLock
from partpool.errors import OutputError

HOLD = """
import fcntl, sys, time
from pathlib import Path
from partpool.building.folder_lock import FolderLock
if "no-locks" in sys.argv:
    def flock(*args):
        raise OSError(37, "No locks available")
    fcntl.flock = flock
held = FolderLock(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(60)
"""


def holder(folder: Path, *args: str) -> subprocess.Popen[str]:
    """A process that holds the folder."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(folder), *args], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


@pytest.fixture
def no_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    def flock(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", flock)


def test_one_owner_at_a_time_in_one_process(tmp_path: Path) -> None:
    first = FolderLock(tmp_path)
    with pytest.raises(OutputError, match=f"in use by process {os.getpid()} on "):
        FolderLock(tmp_path)
    first.release()
    assert not list(tmp_path.iterdir())
    FolderLock(tmp_path).release()


@pytest.mark.parametrize("args", [(), ("no-locks",)], ids=["locks", "no locks"])
def test_a_killed_owner_is_followed(tmp_path: Path, args: tuple[str, ...], request: pytest.FixtureRequest) -> None:
    if args:
        request.getfixturevalue("no_locks")
    with holder(tmp_path, *args) as process:
        with pytest.raises(OutputError, match=f"in use by process {process.pid} on "):
            FolderLock(tmp_path)
        process.kill()
        process.wait()
    assert (tmp_path / "owner.json").exists()
    FolderLock(tmp_path).release()
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("no_locks")
def test_a_number_that_another_process_has_now_is_no_owner(tmp_path: Path) -> None:
    first = FolderLock(tmp_path)
    owner = json.loads((tmp_path / "owner.json").read_text())
    first.release()
    (tmp_path / "owner.json").write_text(json.dumps({**owner, "started": "another boot 1"}))
    FolderLock(tmp_path).release()


def foreign(folder: Path, beat: int = 0) -> None:
    owner = folder / "owner.json.new"
    owner.write_text(json.dumps({"host": "elsewhere", "pid": 1, "started": "", "beat": beat}))
    owner.rename(folder / "owner.json")


def test_an_owner_elsewhere_lives_while_it_beats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "BEAT", 0.1)
    foreign(tmp_path)
    ended = threading.Event()

    def beat() -> None:
        count = 0
        while not ended.wait(0.05):
            foreign(tmp_path, count := count + 1)

    thread = threading.Thread(target=beat)
    thread.start()
    try:
        with pytest.raises(OutputError, match="in use by process 1 on elsewhere"):
            FolderLock(tmp_path)
    finally:
        ended.set()
        thread.join()
    monkeypatch.setattr(lock, "PATIENCE", 0.5)
    FolderLock(tmp_path).release()


def test_an_owner_beats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "BEAT", 0.02)
    held = FolderLock(tmp_path)
    end = time.monotonic() + 10
    while json.loads((tmp_path / "owner.json").read_text())["beat"] < 3:
        assert time.monotonic() < end
        time.sleep(0.01)
    held.release()


@pytest.mark.parametrize("content", ["", "[]", "{", "{}", '{"host": 3, "pid": "x"}'])
def test_a_damaged_owner_file_holds_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str) -> None:
    monkeypatch.setattr(lock, "PATIENCE", 0.1)
    (tmp_path / "owner.json").write_text(content)
    FolderLock(tmp_path).release()
