"""Every level of verification finds the damage that is its own, and a sound pool passes them all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from damaged_pools import problems, replace_patch
from partpool import EXTENDED, FilterConfig, PartPool, build, find_lip, merge
from partpool.errors import PoolError
from partpool.pool.codec import CODECS
from partpool.verify.verifier import verify


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("taxonomy", ["asda26", "extended"])
def test_a_sound_pool_passes_every_level(lip: Path, tmp_path: Path, codec: str, taxonomy: str) -> None:
    options: dict[str, Any] = {"taxonomy": EXTENDED} if taxonomy == "extended" else {}
    source = find_lip(lip)
    build(source, tmp_path / "pool.h5", codec=codec, max_side=90, filters=FilterConfig(min_area=300), **options)
    report = verify(PartPool(tmp_path / "pool.h5"), strict=True, against=source)
    assert (report.problems, report.damaged, report.parts) == ([], 0, len(PartPool(tmp_path / "pool.h5")))


def test_several_files_and_merged_ones(lip: Path, tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.h5" for number in (1, 2)]
    for number, path in enumerate(paths, 1):
        build(find_lip(lip).shard(number, 2), path)
    merge(paths, tmp_path / "merged.h5")
    for pool in (PartPool(paths), PartPool(tmp_path / "merged.h5")):
        assert not verify(pool, strict=True, against=find_lip(lip)).problems


def test_level_1_schema(pool: Path) -> None:
    with h5py.File(pool, "r+") as file:
        del file["patches/crc32"]
    with pytest.raises(PoolError):
        verify(PartPool(pool))


def test_level_2_checksums(pool: Path) -> None:
    with h5py.File(pool, "r+") as file:
        file["patches/data"][int(file["patches/offset"][5])] ^= 255
    for strict in (False, True):
        assert problems(pool, strict=strict) == ["part 5: its checksum is wrong"]


def test_level_3_pixels(pool: Path) -> None:
    replace_patch(pool, 7, lambda data: bytes(len(data)))
    assert problems(pool) == []
    (problem,) = problems(pool, strict=True)
    assert problem.startswith("part 7: a ")
    assert "jpeg patch cannot be decoded" in problem


def test_level_3_masks(lip: Path, tmp_path: Path) -> None:
    """A mask that was painted over says so in everything that is measured on it."""
    path = tmp_path / "pool.h5"
    build(find_lip(lip), path, codec="raw")
    pool = PartPool(path)
    row = next(row for row in range(len(pool)) if pool[row].mask.shape[0] > 30)
    height, width = pool[row].mask.shape

    def fill(data: bytes) -> bytes:
        return data[: 3 * height * width] + np.packbits(np.ones(height * width, bool)).tobytes()

    replace_patch(path, row, fill)
    assert problems(path) == []
    (problem,) = problems(path, strict=True)
    assert f"its mask has {height * width} pixels" in problem


def test_level_4_measures(pool: Path) -> None:
    opened = PartPool(pool)
    row = next(row for row, part in enumerate(opened) if part.mask.shape[0] == part.box[3] - part.box[1])
    for column, name in ((2, "raggedness"), (3, "border")):
        with h5py.File(pool, "r+") as file:
            quality = file["patches/quality"][row]
            file["patches/quality"][row, column] = quality[column] + 0.125
        assert any(f"part {row}: its mask has the {name}" in problem for problem in problems(pool, strict=True))
