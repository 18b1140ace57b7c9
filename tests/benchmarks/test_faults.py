"""A small share of the faults."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
@pytest.mark.skipif(not shutil.which("unshare"), reason="mounts small file systems")
@pytest.mark.slow
def test_faults(benchmark: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    said = benchmark("faults", "--runs", 4, "--files", 1000)
    assert said.returncode == 0, said.stdout + said.stderr
    assert said.stdout.splitlines()[-1] == "0 failures"
    assert said.stdout.count("1 of 1 pools as undisturbed") == 4
    assert "the killed first one taken over" in said.stdout
