"""Builds that are hit by a signal, resumed, and hit again."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from benchmarks.faults.build_process import FaultError, alive, owner, start

LIVES_ON = 5.0
"""Seconds within which everything of a killed build must have ended."""
Kill = Callable[[subprocess.Popen[bytes], random.Random], None]


def kill_driver(process: subprocess.Popen[bytes], _: random.Random) -> None:
    process.kill()


def kill_worker(process: subprocess.Popen[bytes], rng: random.Random) -> None:
    for pid in rng.sample(found := alive(process.pid), len(found)):
        try:
            # Not the driver, nor the process that Python keeps beside it.
            if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGKILL)
                return
        except OSError:
            continue


def interrupt(process: subprocess.Popen[bytes], _: random.Random) -> None:
    os.killpg(process.pid, signal.SIGINT)


def terminate(process: subprocess.Popen[bytes], _: random.Random) -> None:
    process.terminate()


SIGNALS: dict[str, Kill] = {
    "kill -9 of the driver": kill_driver,
    "kill -9 of a worker": kill_worker,
    "Ctrl-C": interrupt,
    "SIGTERM": terminate,
}


def many(root: Path, kill: Kill, runs: int, rng: random.Random) -> str:
    outcomes: Counter[str] = Counter()
    longest = undisturbed(root)
    for _ in range(runs):
        with tempfile.TemporaryDirectory(dir=root) as folder:
            outcomes += hit_until_done(root, Path(folder) / "pool.h5", kill, rng, longest)
    hits = outcomes["hits"]
    return f"{hits} hits, {outcomes['resumes']} resumes, {outcomes['whole']} of {runs} pools as undisturbed"


def undisturbed(root: Path) -> float:
    began = time.monotonic()
    with tempfile.TemporaryDirectory(dir=root) as folder, start(root / "LIP", Path(folder) / "pool.h5") as process:
        process.communicate()
    return time.monotonic() - began


def hit_until_done(root: Path, out: Path, kill: Kill, rng: random.Random, longest: float) -> Counter[str]:
    outcomes: Counter[str] = Counter()
    while True:
        process = start(root / "LIP", out)
        # Before a build has begun, signals are Python's.
        while process.poll() is None and owner(out) != process.pid:
            time.sleep(0.01)
        try:
            process.wait(rng.uniform(0, longest))
        except subprocess.TimeoutExpired:
            kill(process, rng)
            outcomes["hits"] += 1
        _, said = process.communicate(timeout=60)
        end = time.monotonic() + LIVES_ON
        while alive(process.pid):
            if time.monotonic() > end:
                raise FaultError(f"processes {alive(process.pid)} live on")
            time.sleep(0.01)
        if b"Traceback" in said and process.returncode != -signal.SIGKILL:
            raise FaultError(said.decode())
        left = sorted(path.name for path in out.parent.iterdir())
        if not set(left) <= {"pool.h5", "pool.h5.spool"}:
            raise FaultError(f"left {left}")
        if out.exists():
            if out.read_bytes() != (root / "whole.h5").read_bytes():
                raise FaultError("the pool has other bytes")
            outcomes["whole"] += 1
            return outcomes
        outcomes["resumes"] += "pool.h5.spool" in left
