"""Every benchmark can still be started; what it prints is nobody's test."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
SCRIPTS = [path.stem for path in BENCHMARKS.glob("*.py")]
PACKAGES = [path.parent.name for path in BENCHMARKS.glob("*/__main__.py")]


@pytest.mark.parametrize("name", sorted(SCRIPTS + PACKAGES))
def test_it_starts(benchmark: Callable[..., subprocess.CompletedProcess[str]], name: str) -> None:
    run = benchmark(name, "--help")
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith("usage:")
