"""A data set, its pool, and a copy of that to damage."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from conftest import write_small_people
from partpool import build, find_lip

ITEMS = 20


@pytest.fixture(scope="session")
def lip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("lip")
    write_small_people(root, ITEMS)
    return root


@pytest.fixture(scope="session")
def sound(lip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "pool.h5"
    build(find_lip(lip), path, max_side=100)
    return path


@pytest.fixture
def pool(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(sound, tmp_path / "pool.h5"))
