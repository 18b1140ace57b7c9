"""A small share of the hostile files, and what happens where they cannot be tried."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path

import pytest

from benchmarks.fuzz.child import ChildError, answers

Benchmark = Callable[..., "subprocess.CompletedProcess[str]"]
# What a CUDA build of PyTorch does when it is imported.
MAPS_MUCH = """
import ctypes
PRIVATE, ANONYMOUS, NORESERVE = 0x02, 0x20, 0x4000
mmap = ctypes.CDLL(None).mmap
mmap.restype = ctypes.c_ssize_t
mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_ssize_t]
if mmap(None, 20 << 30, 0, PRIVATE | ANONYMOUS | NORESERVE, -1, 0) == -1:
    raise OSError("no address space")
"""

pytestmark = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="looks for its memory in /proc")


def test_hostile_files(benchmark: Benchmark, tmp_path: Path) -> None:
    said = benchmark("fuzz", "--cases", 130, "--keep", tmp_path / "failures")
    assert said.returncode == 0, said.stdout + said.stderr
    assert said.stdout.splitlines()[-1].endswith("cases, 0 failures")
    for outcome in ("data", "error"):
        assert sum(int(count) for count in re.findall(rf"{outcome} (\d+)", said.stdout)) > 10
    assert not list(tmp_path.iterdir())


def test_libraries_that_map_much_leave_room_for_cases(
    benchmark: Benchmark, tmp_path_factory: pytest.TempPathFactory
) -> None:
    before_all = tmp_path_factory.mktemp("site")
    (before_all / "sitecustomize.py").write_text(MAPS_MUCH)
    said = benchmark("fuzz", "--cases", 5, "--only", "pool", path=before_all)
    assert said.returncode == 0, said.stdout + said.stderr
    assert said.stdout.splitlines()[-1] == "5 cases, 0 failures"


def test_a_child_that_dies_at_its_start_is_noticed_at_once() -> None:
    context = get_context("spawn")
    here, there = context.Pipe(duplex=False)
    child = context.Process(target=os._exit, args=(7,))
    child.start()
    there.close()
    with pytest.raises(ChildError, match=r"exit code 7 before its first case"):
        next(answers(child, here, range(3)))
    here.close()
