"""A small share of a long run."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="counts memory and files in /proc")
@pytest.mark.slow
def test_a_long_run(benchmark: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    pytest.importorskip("torch", reason="torch is not installed")
    said = benchmark("long_run", "--samples", 10_000)
    assert said.returncode == 0, said.stdout + said.stderr
    assert said.stdout.splitlines()[-1].endswith("0 labels changed")
