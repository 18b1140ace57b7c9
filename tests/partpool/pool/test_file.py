"""One pool file: cut short, exchanged, or with other rows than it says."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path

import h5py
import pytest

from partpool import PartPool, build, find_lip
from partpool.errors import PoolError


def test_a_changed_file_is_noticed(people: Path, pool: Path, tmp_path: Path) -> None:
    path = tmp_path / "pool.h5"
    shutil.copy(pool, path)
    stored = pickle.dumps(PartPool(path))
    build(find_lip(people).limit(1), path, overwrite=True)
    with pytest.raises(PoolError, match="has changed since it was opened"):
        pickle.loads(stored)[0]


@pytest.mark.parametrize("length", [0, 10, 2000, 20000, -1])
def test_cut_short(pool: Path, tmp_path: Path, length: int) -> None:
    path = tmp_path / "pool.h5"
    path.write_bytes(pool.read_bytes()[:length])
    with pytest.raises(PoolError):
        PartPool(path)


def test_a_damaged_patch_is_named(people: Path, tmp_path: Path) -> None:
    path = tmp_path / "pool.h5"
    build(find_lip(people).limit(1), path, codec="png")
    with h5py.File(path, "r+") as file:
        file["patches/data"][:8] = 0
    with pytest.raises(PoolError, match=r"pool.h5: part 0: a \d+×\d+ png patch cannot be decoded"):
        PartPool(path)[0]


def test_a_source_that_is_none_of_the_pools_is_damage(pool: Path, tmp_path: Path) -> None:
    path = shutil.copy(pool, tmp_path)
    with h5py.File(path, "r+") as file:
        file["patches/source"][4] = 10**6
    with pytest.raises(PoolError, match=r"people\.h5: part 4: its source is not among the"):
        PartPool(path)[4]
