"""Schedulers and workers of Dask, as an administrator starts them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
WORKER = (sys.executable, "-m", "distributed.cli.dask_worker")
WORKER_OPTIONS = ("--nthreads", "1", "--no-dashboard", "--death-timeout", "60")


def start(*command: str, ready: Path | None = None) -> subprocess.Popen[bytes]:
    """A part of a cluster, as an administrator starts it; its workers may import these tests."""
    env = {
        **os.environ,
        "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}",
        # Dask tries three times, which takes its time.
        "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1",
    }
    process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")
    end = time.monotonic() + 60
    while ready is not None and not ready.exists():
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.05)
    return process


def stop(processes: list[subprocess.Popen[bytes]]) -> None:
    for process in reversed(processes):
        process.terminate()
    for process in processes:
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


def scheduler(folder: Path) -> tuple[subprocess.Popen[bytes], str]:
    pytest.importorskip("distributed", reason="Dask is not installed")
    dask = (sys.executable, "-m", "distributed.cli.dask_scheduler")
    file = folder / "scheduler.json"
    process = start(
        *dask, "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file), ready=file
    )
    return process, json.loads(file.read_text())["address"]
