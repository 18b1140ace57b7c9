"""How benchmarks are run, as a user would."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
Benchmark = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def benchmark(tmp_path: Path) -> Benchmark:
    """Runs a benchmark in an empty folder."""

    def run(name: str, *args: object, path: Path | None = None) -> subprocess.CompletedProcess[str]:
        folders = [str(folder) for folder in (path, ROOT) if folder]
        command = [sys.executable, "-m", f"benchmarks.{name}", *map(str, args)]
        env = os.environ | {"PYTHONPATH": os.pathsep.join(folders)}
        return subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=280, check=False)

    return run
