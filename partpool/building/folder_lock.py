"""One build at a time in a folder, on one machine or several, with file locks or without.

A file lock ends with its process, however that ends, but not every file system has it, and some only pretend to.
Beside it therefore lies a file that names the owner, and whose counter the owner raises every few seconds: an owner on
this machine is looked up among the processes, one on another machine is gone when its counter stands still.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import threading
import time
from pathlib import Path
from typing import Any

from partpool.errors import OutputError

BEAT = 2.0
"""Seconds between two beats of an owner."""
PATIENCE = 20.0
"""Seconds without a beat after which an owner on another machine is gone."""
LOCK, OWNER = "lock", "owner.json"
NAMES = (LOCK, OWNER)


class FolderLock:
    """Holds a folder until it is released or the process ends.

    Args:
        folder: An existing folder.

    Raises:
        OutputError: If another process holds it.
        OSError: If the folder cannot be written to.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._owner = folder, folder / OWNER
        self._me = {"host": socket.gethostname(), "pid": os.getpid(), "started": _start_time(os.getpid())}
        self._file = _open_lock_file(folder / LOCK, self._owner)
        self._ended = threading.Event()
        try:
            _refuse_living(self._owner)
            self._beat(0)
        except BaseException:
            os.close(self._file)
            raise
        self._heart = threading.Thread(target=self._keep_beating, daemon=True)
        self._heart.start()

    def release(self) -> None:
        """Let others have the folder, in which nothing is left of the lock."""
        self._ended.set()
        self._heart.join()
        for name in (OWNER, LOCK):
            (self._folder / name).unlink(missing_ok=True)
        os.close(self._file)

    def _beat(self, count: int) -> None:
        partial = self._owner.with_name(f"{OWNER}.{os.urandom(4).hex()}.partial")
        try:
            partial.write_text(json.dumps({**self._me, "beat": count}))
            partial.rename(self._owner)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise

    def _keep_beating(self) -> None:
        count = 0
        while not self._ended.wait(BEAT):
            count += 1
            try:
                self._beat(count)
            except OSError:
                # A full disk or a folder that is gone is noticed, and said, by those who have something to write.
                continue


def _open_lock_file(path: Path, owner: Path) -> int:
    """The open lock file, locked where the file system has locks."""
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            raise OutputError(_in_use_message(owner, _read_owner(owner))) from None
        except OSError:
            return file
        try:
            # Its last owner may have removed it between our opening and locking it.
            if path.stat().st_ino == os.fstat(file).st_ino:
                return file
        except FileNotFoundError:
            pass
        os.close(file)


def _refuse_living(path: Path) -> None:
    """Refuse a folder whose owner lives; what a dead one has left is taken over."""
    owner = _read_owner(path)
    if owner is None:
        return
    if owner.get("host") == socket.gethostname():
        living = owner.get("started") == _start_time(owner.get("pid"))
    else:
        living = _still_beats(path, owner)
    if living:
        raise OutputError(_in_use_message(path, owner))


def _still_beats(path: Path, owner: dict[str, Any]) -> bool:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        time.sleep(BEAT / 4)
        if _read_owner(path) != owner:
            return True
    return False


def _in_use_message(path: Path, owner: dict[str, Any] | None) -> str:
    who = f"process {owner.get('pid')} on {owner.get('host')}" if owner else "another process"
    return f"{path.parent} is in use by {who}, which writes the same output; wait for it to end, or pass another --out"


def _read_owner(path: Path) -> dict[str, Any] | None:
    try:
        owner = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return owner if isinstance(owner, dict) else None


def _start_time(pid: object) -> str | None:
    """When a process of this machine was started, so that a number used again is another one; None if it is gone."""
    if not isinstance(pid, int) or pid <= 0:
        return None
    if not Path("/proc/self/stat").exists():
        return _running(pid)
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    boot = ""
    # Start times count from the boot of the machine.
    with contextlib.suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return None if fields[0] == "Z" else f"{boot} {fields[19]}"


def _running(pid: int) -> str | None:
    """``"running"`` if a process is there, where there is no /proc to ask; numbers used again are not noticed."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass
    return "running"
