"""A small share of what the scripts of trust do at length: hostile files, faults, and a long run."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def run(name: str, *args: object, cwd: Path) -> str:
    command = [sys.executable, str(BENCHMARKS / name), *map(str, args)]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_hostile_files(tmp_path: Path) -> None:
    said = run("fuzz.py", "--cases", 130, "--keep", tmp_path / "failures", cwd=tmp_path)
    assert said.splitlines()[-1].endswith("cases, 0 failures")
    for outcome in ("data", "error"):
        assert sum(int(count) for count in re.findall(rf"{outcome} (\d+)", said)) > 10
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
@pytest.mark.skipif(not shutil.which("unshare"), reason="mounts small file systems")
def test_faults(tmp_path: Path) -> None:
    said = run("faults.py", "--runs", 4, "--files", 1000, cwd=tmp_path)
    assert said.splitlines()[-1] == "0 failures"
    assert said.count("1 of 1 pools as undisturbed") == 4
    assert "the killed first one taken over" in said


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="counts memory and files in /proc")
def test_a_long_run(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="torch is not installed")
    said = run("long_run.py", "--samples", 10_000, cwd=tmp_path)
    assert said.splitlines()[-1].endswith("0 labels changed")
