"""Reading pools: in any process, from any file, and never from a file that is not what it says."""

from __future__ import annotations

import multiprocessing
import pickle
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from partpool import ASDA26, EXTENDED, LIP, PartPool, Taxonomy, build, find_lip
from partpool.errors import ConfigError, PoolError, PoolNotFoundError
from partpool.pool.codec import CODECS
from partpool.synthetic.people import write_lip_dataset


@pytest.fixture(scope="module")
def pools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a pool per codec, two halves, a pool of 0 and one of 1 patch."""
    root = tmp_path_factory.mktemp("pools")
    write_lip_dataset(root / "LIP", 16, seed=5)
    source = find_lip(root / "LIP")
    for codec in CODECS:
        build(source, root / f"{codec}.h5", codec=codec)
    build(replace(source, items=source.items[:8]), root / "half-0.h5")
    build(replace(source, items=source.items[8:]), root / "half-1.h5")
    build(source.limit(0), root / "empty.h5")
    return root


def digest(pool: PartPool, indices: range) -> int:
    return sum(int(part.rgb.sum()) + int(part.mask.sum()) for part in (pool[index] for index in indices))


def digest_in_child(pool: PartPool, indices: range, answer: Any) -> None:
    answer.put(digest(pool, indices))


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.parametrize("preload", ["none", "memory"])
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.slow
def test_other_processes_read_the_same(pools: Path, method: str, preload: Any) -> None:
    pool = PartPool(pools / "jpeg.h5", preload=preload)
    indices = range(0, len(pool), 3)
    expected = digest(pool, indices)
    context = multiprocessing.get_context(method)
    answers = context.Queue()
    children = [context.Process(target=digest_in_child, args=(pool, indices, answers)) for _ in range(2)]
    for child in children:
        child.start()
    assert [answers.get(timeout=60) for _ in children] == [expected, expected]
    for child in children:
        child.join(60)
        assert child.exitcode == 0
    assert digest(pool, indices) == expected


def test_threads_read_the_same(pools: Path) -> None:
    pool = PartPool(pools / "zstd.h5")
    expected, seen = digest(pool, range(60)), []
    threads = [threading.Thread(target=lambda: seen.append(digest(pool, range(60)))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [expected] * 4


@pytest.mark.parametrize("codec", CODECS)
def test_memory_and_file_agree(pools: Path, codec: str) -> None:
    from_file, from_memory = PartPool(pools / f"{codec}.h5"), PartPool(pools / f"{codec}.h5", preload="memory")
    for a, b in zip(from_file, from_memory, strict=True):
        np.testing.assert_array_equal(a.rgb, b.rgb)
        np.testing.assert_array_equal(a.mask, b.mask)


def test_sequence(pools: Path) -> None:
    pool = PartPool(pools / "jpeg.h5")
    assert pool[-1].source == pool[len(pool) - 1].source
    assert [part.name for part in pool[:3]] == [pool[index].name for index in range(3)]
    assert pool[np.int64(2)].name == pool[2].name  # type: ignore[call-overload]
    for index in (len(pool), -len(pool) - 1):
        with pytest.raises(IndexError, match="of a pool of"):
            pool[index]
    assert "parts of 26 classes" in repr(pool)


def test_classes_own_ranges(pools: Path) -> None:
    pool = PartPool(pools / "jpeg.h5")
    indices = [pool.indices(part.name) for part in pool.classes]
    np.testing.assert_array_equal(np.concatenate(indices), np.arange(len(pool)))
    for part, rows in zip(pool.classes, indices, strict=True):
        assert len(rows) == pool.count(part.name)
        assert all(pool[index].name == part.name for index in rows[:2])
    with pytest.raises(ConfigError, match="there is no class 'tail'; taxonomy 'asda26' has: hat, hair"):
        pool.count("tail")


def test_two_files_as_one(pools: Path) -> None:
    whole = PartPool(pools / "jpeg.h5")
    for path in ([pools / "half-0.h5", pools / "half-1.h5"], str(pools / "half-*.h5")):
        both = PartPool(path)
        assert len(both) == len(whole)
        for part in both.classes:
            assert both.count(part.name) == whole.count(part.name)
            sources = {both[index].source for index in both.indices(part.name)}
            assert sources == {whole[index].source for index in whole.indices(part.name)}
        assert both.info()["n_items"] == 16
        assert len(both.columns["area"]) == len(whole)
        assert sorted(both.columns["source"].tolist()) == sorted(whole.columns["source"].tolist())
        assert pickle.loads(pickle.dumps(both))[len(both) - 1].source == both[-1].source


def test_other_taxonomies_do_not_join(pools: Path, tmp_path: Path) -> None:
    build(find_lip(pools / "LIP").limit(2), tmp_path / "other.h5", taxonomy=EXTENDED)
    with pytest.raises(PoolError, match="has another taxonomy than"):
        PartPool([pools / "jpeg.h5", tmp_path / "other.h5"])


def test_a_pool_of_none_and_of_one(pools: Path, tmp_path: Path) -> None:
    empty = PartPool(pools / "empty.h5")
    assert len(empty) == 0
    assert list(empty) == []
    assert empty.info()["n_items"] == 0
    assert empty.indices("hat").shape == (0,)
    single = Taxonomy("single", LIP, (ASDA26["head"],))
    report = build(find_lip(pools / "LIP").limit(1), tmp_path / "one.h5", taxonomy=single)
    assert report.parts == len(PartPool(tmp_path / "one.h5")) == 1


def test_missing_files(tmp_path: Path) -> None:
    for path in (tmp_path / "none.h5", str(tmp_path / "*.h5")):
        with pytest.raises(PoolNotFoundError, match="no pool file"):
            PartPool(path)
    with pytest.raises(ConfigError, match="at least one file"):
        PartPool([])
    with pytest.raises(ConfigError, match="preload must be"):
        PartPool(tmp_path / "none.h5", preload="disk")  # type: ignore[arg-type]


def test_a_pool_without_keypoints_has_no_column_for_them(people: Path, tmp_path: Path) -> None:
    build(find_lip(people), tmp_path / "pool.h5")
    pool = PartPool(tmp_path / "pool.h5")
    assert pool[0].keypoints is None
    assert pool.keypoint_coverage() is None


def test_coverage_counts_what_the_parts_hold(tmp_path: Path) -> None:
    write_lip_dataset(tmp_path, 4, pose=True)
    rows = (tmp_path / "lip_train_set.csv").read_text().splitlines()
    (tmp_path / "lip_train_set.csv").write_text("\n".join(rows[1:]))
    build(find_lip(tmp_path), tmp_path / "pool.h5")
    pool = PartPool([tmp_path / "pool.h5", tmp_path / "pool.h5"])
    coverage = pool.keypoint_coverage()
    assert coverage is not None
    expected = np.zeros((2, 16), int)
    for part in pool:
        assert part.keypoints is not None
        x, y = part.keypoints[:, 0], part.keypoints[:, 1]
        expected[0] += ~np.isnan(x)
        expected[1] += (x >= 0) & (y >= 0) & (x < part.mask.shape[1]) & (y < part.mask.shape[0])
    np.testing.assert_array_equal(coverage, expected)
    assert 0 < coverage[0, 0] < len(pool)
