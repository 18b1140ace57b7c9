"""Freed memory stays with a process that cuts, where the C library can be told so."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from collections.abc import Iterator

import pytest

from partpool.building.freed_memory import KEPT, keep_freed_memory

FAULTS = """
import resource, sys
import numpy as np
from partpool.building.freed_memory import keep_freed_memory

if "keep" in sys.argv:
    keep_freed_memory()


def faults_of_a_picture():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    arrays = [np.ones(2**22, np.uint8) for _ in range(5)]
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


faults_of_a_picture()
print(sum(faults_of_a_picture() for _ in range(5)))
"""


@pytest.fixture(autouse=True)
def _told_anew() -> Iterator[None]:
    keep_freed_memory.cache_clear()
    yield
    keep_freed_memory.cache_clear()


def faults(*args: str) -> int:
    done = subprocess.run([sys.executable, "-c", FAULTS, *args], capture_output=True, text=True, check=True, timeout=60)
    return int(done.stdout)


def test_arrays_are_made_out_of_freed_ones() -> None:
    if not hasattr(ctypes.CDLL(None), "mallopt"):
        pytest.skip("this C library has no mallopt")
    # 4 MiB are 1024 pages, each of which faults once in memory that is mapped anew.
    assert faults("keep") < 1024 < faults()


def test_the_library_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[int, int]] = []

    class Library:
        def mallopt(self, *option: int) -> None:
            told.append(option)  # type: ignore[arg-type]

    monkeypatch.setattr(ctypes, "CDLL", lambda _: Library())
    keep_freed_memory()
    keep_freed_memory()
    assert [size for _, size in told] == [KEPT, KEPT]


def test_other_libraries_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    keep_freed_memory()
