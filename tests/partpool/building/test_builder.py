"""Building pools: the same bytes however it is done, and what is stored is what was cut."""

from __future__ import annotations

import hashlib
import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from partpool import EXTENDED, PartPool, build, find_lip
from partpool.errors import ConfigError
from partpool.synthetic.people import write_lip_dataset


@pytest.fixture(scope="module")
def lip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("lip")
    write_lip_dataset(root, 40, seed=7)
    return root


def fingerprint(path: Path) -> str:
    return hashlib.blake2b(path.read_bytes()).hexdigest()


def test_same_bytes_for_any_number_of_workers(lip: Path, tmp_path: Path) -> None:
    seen = set()
    for workers in (0, 1, 2, 4):
        report = build(find_lip(lip), tmp_path / f"{workers}.h5", workers=workers)
        assert not report.failed
        seen.add(fingerprint(tmp_path / f"{workers}.h5"))
    assert len(seen) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.h5", "1.h5", "2.h5", "4.h5"]


def test_same_bytes_for_any_order_of_the_folder(lip: Path, tmp_path: Path) -> None:
    """Files created in another order are listed in another order by most file systems."""
    copy = tmp_path / "copy"
    for folder in ("train_images", "train_segmentations"):
        (copy / folder).mkdir(parents=True)
        names = sorted(path.name for path in (lip / folder).iterdir())
        random.Random(3).shuffle(names)
        for name in names:
            shutil.copy2(lip / folder / name, copy / folder / name)
    build(find_lip(lip), tmp_path / "a.h5")
    build(find_lip(copy), tmp_path / "b.h5")
    assert fingerprint(tmp_path / "a.h5") == fingerprint(tmp_path / "b.h5")


def test_counts_add_up(lip: Path, tmp_path: Path) -> None:
    report = build(find_lip(lip), tmp_path / "pool.h5", taxonomy=EXTENDED)
    pool = PartPool(tmp_path / "pool.h5")
    for name, outcomes in report.counts.items():
        assert outcomes.get("kept", 0) == pool.count(name)
    assert pool.info()["stats"] == report.counts
    assert pool.info()["n_items"] == report.items == 40
    assert report.pool_bytes == (tmp_path / "pool.h5").stat().st_size


@pytest.mark.slow
def test_every_class_gets_parts(tmp_path: Path) -> None:
    write_lip_dataset(tmp_path, 60)
    build(find_lip(tmp_path), tmp_path / "pool.h5")
    pool = PartPool(tmp_path / "pool.h5")
    assert min(pool.count(part.name) for part in pool.classes) > 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"codec": "gif"}, "there is no codec 'gif'"),
        ({"max_side": 3}, r"max_side must lie in \[16, 4096\] pixels, but got 3"),
        ({"workers": -1}, "workers must not be negative"),
    ],
)
def test_wrong_options(lip: Path, tmp_path: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build(find_lip(lip), tmp_path / "pool.h5", **options)
    assert not list(tmp_path.iterdir())
