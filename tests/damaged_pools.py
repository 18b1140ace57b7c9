"""Pools that a test damages, and what is said of them."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from partpool import PartPool
from partpool.verify.verifier import verify


def problems(path: Path, **options: Any) -> list[str]:
    return [problem.removeprefix(f"{path}: ") for problem in verify(PartPool(path), **options).problems]


def replace_patch(path: Path, row: int, change: Callable[[bytes], bytes]) -> None:
    """Other bytes of the same length, with a checksum that fits."""
    with h5py.File(path, "r+") as file:
        first, last = file["patches/offset"][row : row + 2].tolist()
        data = change(file["patches/data"][first:last].tobytes())
        assert len(data) == last - first
        file["patches/data"][first:last] = np.frombuffer(data, np.uint8)
        file["patches/crc32"][row] = zlib.crc32(data)
