"""Parts whose pixels are read later: all else is known before, and they are read once."""

from __future__ import annotations

import copy
import pickle
import shutil
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from partpool import Part, PartPool, build, find_lip
from partpool.errors import PoolError
from partpool.pool.codec import CODECS, decode
from partpool.synthetic.people import write_lip_dataset


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("pool")
    write_lip_dataset(root / "LIP", 3, seed=5)
    build(find_lip(root / "LIP"), root / "pool.h5", codec="png")
    return root / "pool.h5"


def assert_equal(one: Part, other: Part) -> None:
    for field in fields(Part):
        mine, theirs = getattr(one, field.name), getattr(other, field.name)
        if isinstance(mine, np.ndarray):
            np.testing.assert_array_equal(mine, theirs)
            assert mine.dtype == theirs.dtype
        else:
            assert mine == theirs
    assert one.size == other.size
    assert repr(one) == repr(other)


def test_pixels_are_read_once_and_only_when_asked(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pool, decoded = PartPool(path), []
    whole = pool[7]

    def counted(*patch: Any) -> Any:
        decoded.append(patch)
        return decode(*patch)

    monkeypatch.setattr("partpool.pool.reader.decode", counted)
    stored = pool.later(7)
    for known in ("size", "class_id", "name", "source", "taxonomy"):
        assert getattr(stored, known) == getattr(whole, known)
    np.testing.assert_array_equal(stored.box, whole.box)
    np.testing.assert_array_equal(stored.person_box, whole.person_box)
    assert not decoded
    part = stored.load()
    assert stored.load() is part
    assert part.load() is part
    assert stored.rgb is part.rgb
    assert stored.mask is part.mask
    np.testing.assert_array_equal(part.rgb, whole.rgb)
    assert len(decoded) == 1


@pytest.mark.parametrize("again", [lambda part: pickle.loads(pickle.dumps(part)), copy.copy, copy.deepcopy])
def test_copies_are_ordinary_parts(path: Path, again: Callable[[Any], Any]) -> None:
    pool = PartPool(path)
    part = again(pool.later(7))
    assert type(part) is Part
    np.testing.assert_array_equal(part.rgb, pool[7].rgb)
    np.testing.assert_array_equal(part.mask, pool[7].mask)
    assert part.name == pool[7].name


def test_damage_is_named_when_it_is_met(path: Path, tmp_path: Path) -> None:
    damaged = Path(shutil.copy(path, tmp_path))
    with h5py.File(damaged, "r+") as file:
        file["patches/height"][2] = 0
        offset = int(file["patches/offset"][3])
        file["patches/data"][offset : offset + 40] = 0
    pool = PartPool(damaged)
    with pytest.raises(PoolError, match=r"pool\.h5: part 2 has \d+×0 pixels"):
        pool.later(2)
    stored = pool.later(3)
    for _ in range(2):
        with pytest.raises(PoolError, match=r"pool\.h5: part 3: .* cannot be decoded"):
            stored.load()


@pytest.mark.parametrize("codec", CODECS)
def test_later_is_the_same_part(people: Path, tmp_path: Path, codec: str) -> None:
    build(find_lip(people).limit(2), tmp_path / "pool.h5", codec=codec)
    pool = PartPool(tmp_path / "pool.h5")
    for index in (0, 7, -1):
        assert_equal(pool.later(index).load(), pool[index])
        assert_equal(pool.later(index).hflip(), pool[index].hflip())
    with pytest.raises(IndexError, match=rf"part {len(pool)} of a pool of {len(pool)}"):
        pool.later(len(pool))
