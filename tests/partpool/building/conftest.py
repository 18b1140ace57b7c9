"""Data sets, their pools, and a cluster that several test files share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import write_small_people
from dask_cluster import WORKER, WORKER_OPTIONS, scheduler, start, stop
from interrupted_builds import ITEMS
from partpool import build, find_lip


@pytest.fixture(scope="session")
def lip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seventy items, two of them damaged: five units."""
    root = tmp_path_factory.mktemp("lip")
    write_small_people(root, ITEMS)
    (root / "train_segmentations" / "000003.png").write_bytes(b"")
    (root / "train_segmentations" / "000040.png").write_bytes(b"")
    return root


@pytest.fixture(scope="session")
def whole(lip: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, Any]:
    """The pool of one undisturbed build, and its report."""
    out = tmp_path_factory.mktemp("whole") / "pool.h5"
    report = build(find_lip(lip), out)
    return out.read_bytes(), report


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a scheduler with two worker processes; their nannies replace killed ones."""
    folder = tmp_path_factory.mktemp("cluster")
    process, address = scheduler(folder)
    worker = start(*WORKER, address, "--nworkers", "2", *WORKER_OPTIONS, "--local-directory", str(folder))
    yield address
    stop([process, worker])
