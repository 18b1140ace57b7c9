"""Damaged heaps are refused before HDF5, which would follow them forever, reads them."""

from __future__ import annotations

import shutil
import struct
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from partpool import PartPool
from partpool.errors import PoolError
from partpool.pool.hdf5_heaps import MARK, OBJECT, heaps_are_sound


@pytest.fixture(scope="module")
def data(pool: Path) -> bytes:
    return pool.read_bytes()


def objects(data: bytes) -> list[int]:
    """Where the objects of the first heap begin."""
    start = data.index(MARK)
    found, position, end = [], start + 16, start + struct.unpack_from("<Q", data, start + 8)[0]
    while position + OBJECT.size <= end:
        number, _, _, size = OBJECT.unpack_from(data, position)
        found.append(position)
        position += size if number == 0 else OBJECT.size + -(-size // 8) * 8
    assert position == end
    return found


def test_a_sound_pool_has_heaps(data: bytes) -> None:
    assert len(objects(data)) > 8


@pytest.mark.parametrize("header", [(0, 0, 0, 0), (0, 0, 0, 8), (5, 1, 0, 2**63), (5, 1, 0, 2**64 - 1)], ids=str)
def test_an_object_that_leads_nowhere(data: bytes, tmp_path: Path, header: tuple[int, ...]) -> None:
    damaged = bytearray(data)
    OBJECT.pack_into(damaged, objects(data)[2], *header)
    (tmp_path / "pool.h5").write_bytes(damaged)
    with pytest.raises(PoolError, match="its attributes cannot be read"):
        PartPool(tmp_path / "pool.h5")


@settings(max_examples=150, deadline=None)
@given(place=st.floats(0, 1), patch=st.binary(min_size=1, max_size=64))
def test_any_damage_to_a_heap_ends(
    data: bytes, tmp_path_factory: pytest.TempPathFactory, place: float, patch: bytes
) -> None:
    first, last = data.index(MARK), objects(data)[-1] + OBJECT.size
    offset = first + int(place * (last - first))
    path = tmp_path_factory.mktemp("heap") / "pool.h5"
    path.write_bytes(data[:offset] + patch + data[offset + len(patch) :])
    try:
        PartPool(path).info()
    except PoolError:
        pass
    finally:
        path.unlink()


def test_what_no_column_owns_is_bounded(pool: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copy(pool, tmp_path / "pool.h5"))
    with copy.open("r+b") as file:
        file.truncate(copy.stat().st_size + 2**27)
    with pytest.raises(PoolError, match="full of what is no column"):
        PartPool(copy)


def test_attributes_of_absurd_size_are_not_read(pool: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copy(pool, tmp_path / "pool.h5"))
    with h5py.File(copy, "r+") as file:
        del file.attrs["config"]
        file.attrs.create("config", np.zeros(4000, "u1"))
        file.attrs["more"] = np.zeros(4000)
    with pytest.raises(PoolError, match="the attribute 'config' is missing"):
        PartPool(copy)


def test_columns_need_not_be_walked(tmp_path: Path) -> None:
    """What looks like a damaged heap inside a patch is a patch."""
    (tmp_path / "file").write_bytes(bytes(64) + MARK + bytes(64))
    with (tmp_path / "file").open("rb") as file:
        size = 64 + len(MARK) + 64
        assert not heaps_are_sound(file.fileno(), size, [])
        assert heaps_are_sound(file.fileno(), size, [(60, 80)])
