"""Reading pools: in any process, from any file, and never from a file that is not what it says."""

from __future__ import annotations

import multiprocessing
import pickle
import shutil
import threading
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from partpool import ASDA26, EXTENDED, LIP, PartPool, Taxonomy, build, find_lip
from partpool.errors import ConfigError, PoolError, PoolNotFoundError
from partpool.pool.codec import CODECS
from partpool.pool.part import Part
from partpool.synthetic.people import write_lip_dataset
from partpool.taxonomy.keypoints import MIRRORED_KEYPOINTS, MPII_KEYPOINTS


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


def test_rows_sort_by_class_source_and_size(pools: Path) -> None:
    columns = PartPool(pools / "jpeg.h5").columns
    keys = list(zip(columns["class_id"].tolist(), columns["source"].tolist(), strict=True))
    assert keys == sorted(keys)


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


def test_a_changed_file_is_noticed(pools: Path, tmp_path: Path) -> None:
    path = tmp_path / "pool.h5"
    shutil.copy(pools / "jpeg.h5", path)
    stored = pickle.dumps(PartPool(path))
    shutil.copy(pools / "raw.h5", path)
    with pytest.raises(PoolError, match="has changed since it was opened"):
        pickle.loads(stored)[0]


def test_missing_files(tmp_path: Path) -> None:
    for path in (tmp_path / "none.h5", str(tmp_path / "*.h5")):
        with pytest.raises(PoolNotFoundError, match="no pool file"):
            PartPool(path)
    with pytest.raises(ConfigError, match="at least one file"):
        PartPool([])
    with pytest.raises(ConfigError, match="preload must be"):
        PartPool(tmp_path / "none.h5", preload="disk")  # type: ignore[arg-type]


@pytest.mark.parametrize("length", [0, 10, 2000, 20000, -1])
def test_cut_short(pools: Path, tmp_path: Path, length: int) -> None:
    path = tmp_path / "pool.h5"
    path.write_bytes((pools / "jpeg.h5").read_bytes()[:length])
    with pytest.raises(PoolError):
        PartPool(path)


def _relink(file: h5py.File, path: str, link: Any) -> None:
    del file[path]
    file[path] = link


def _rewrite(file: h5py.File, path: str, **options: Any) -> None:
    data = file[path][...]
    del file[path]
    file.create_dataset(path, data=options.pop("data", data), **options)


DAMAGE: dict[str, tuple[Callable[[h5py.File], None], str]] = {
    "format": (lambda file: file.attrs.__setitem__("format", "other"), "not a partpool pool"),
    "version": (
        lambda file: file.attrs.__setitem__("format_version", 9),
        "has format version 9, this partpool reads 1",
    ),
    "no taxonomy": (lambda file: file.attrs.__delitem__("taxonomy"), "'taxonomy' is missing"),
    "no JSON": (lambda file: file.attrs.__setitem__("taxonomy", "{"), "'taxonomy' is not JSON"),
    "wrong JSON": (lambda file: file.attrs.__setitem__("scheme", "[]"), "'scheme' is not a table"),
    "odd scheme": (lambda file: file.attrs.__setitem__("scheme", "{}"), "the stored taxonomy is damaged"),
    "missing": (lambda file: file.__delitem__("patches/area"), "missing, or a link"),
    "soft link": (
        lambda file: _relink(file, "patches/data", h5py.SoftLink("/patches/offset")),
        "a link to somewhere else",
    ),
    "external link": (
        lambda file: _relink(file, "patches/data", h5py.ExternalLink("/etc/passwd", "/x")),
        "a link to somewhere else",
    ),
    "chunked": (lambda file: _rewrite(file, "patches/area", chunks=(2,)), "not stored contiguously"),
    "filtered": (lambda file: _rewrite(file, "patches/data", compression="gzip"), "not stored contiguously"),
    "wider": (lambda file: _rewrite(file, "patches/class_id", dtype="u2"), "expected uint8 of patchs"),
    "shorter": (lambda file: _rewrite(file, "patches/area", data=np.zeros(3, "<u4")), "has 3 rows, expected"),
    "offsets": (
        lambda file: file["patches/offset"].__setitem__(1, 2**40),
        "does not divide the",
    ),
    "classes": (lambda file: file["patches/class_id"].__setitem__(0, 200), "do not match the 26 classes"),
    "starts": (lambda file: file["classes/start"].__setitem__(3, 0), "do not match the 26 classes"),
    "group": (lambda file: _relink(file, "patches/area", np.zeros(0)) or _group(file), "not a dataset"),
}


def _group(file: h5py.File) -> None:
    del file["patches/area"]
    file.create_group("patches/area")


@pytest.mark.parametrize("kind", DAMAGE)
def test_damage_is_refused(pools: Path, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "pool.h5"
    shutil.copy(pools / "jpeg.h5", path)
    damage, message = DAMAGE[kind]
    with h5py.File(path, "r+") as file:
        damage(file)
    with pytest.raises(PoolError, match=message) as caught:
        PartPool(path)
    assert str(path) in str(caught.value)


def test_an_external_dataset_is_refused(pools: Path, tmp_path: Path) -> None:
    """It could read any file of the machine."""
    path, secret = tmp_path / "pool.h5", tmp_path / "secret"
    shutil.copy(pools / "jpeg.h5", path)
    secret.write_bytes(bytes(10**7))
    with h5py.File(path, "r+") as file:
        length = file["patches/data"].shape[0]
        del file["patches/data"]
        file["patches"].create_dataset("data", (length,), "u1", external=[(str(secret), 0, length)])
    with pytest.raises(PoolError, match="not stored contiguously"):
        PartPool(path)


def test_a_damaged_patch_is_named(pools: Path, tmp_path: Path) -> None:
    path = tmp_path / "pool.h5"
    shutil.copy(pools / "png.h5", path)
    with h5py.File(path, "r+") as file:
        file["patches/data"][:8] = 0
    with pytest.raises(PoolError, match=r"pool.h5: part 0: a \d+×\d+ png patch cannot be decoded"):
        PartPool(path)[0]


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


@pytest.mark.parametrize("codec", CODECS)
def test_later_is_the_same_part(pools: Path, codec: str) -> None:
    pool = PartPool(pools / f"{codec}.h5")
    for index in (0, 7, -1):
        assert_equal(pool.later(index).load(), pool[index])
        assert_equal(pool.later(index).hflip(), pool[index].hflip())
    with pytest.raises(IndexError, match=rf"part {len(pool)} of a pool of {len(pool)}"):
        pool.later(len(pool))


def test_hflip_swaps_sides(pools: Path) -> None:
    pool = PartPool(pools / "raw.h5")
    part = pool[int(pool.indices("left-arm")[0])]
    part.keypoints = np.arange(48, dtype=np.float32).reshape(16, 3)
    flipped = part.hflip()
    assert flipped.name == "right-arm"
    assert pool.classes[flipped.class_id].name == "right-arm"
    np.testing.assert_array_equal(flipped.rgb, part.rgb[:, ::-1])
    np.testing.assert_array_equal(flipped.mask, part.mask[:, ::-1])
    assert flipped.keypoints is not None
    left, right = MPII_KEYPOINTS.index("left_wrist"), MPII_KEYPOINTS.index("right_wrist")
    assert flipped.keypoints[left, 0] == part.rgb.shape[1] - part.keypoints[right, 0]
    again = flipped.hflip()
    assert again.name == part.name
    np.testing.assert_array_equal(again.rgb, part.rgb)
    np.testing.assert_array_equal(again.keypoints, part.keypoints)
    assert [MIRRORED_KEYPOINTS[index] for index in MIRRORED_KEYPOINTS] == list(range(16))


def test_a_part_without_taxonomy_cannot_flip() -> None:
    zeros = np.zeros(4, np.int32)
    part = Part(np.zeros((2, 2, 3), np.uint8), np.ones((2, 2), bool), 0, "hat", zeros, zeros, "x.jpg")
    with pytest.raises(ValueError, match="without a taxonomy"):
        part.hflip()


def test_a_source_that_is_none_of_the_pools_is_damage(pools: Path, tmp_path: Path) -> None:
    path = shutil.copy(pools / "jpeg.h5", tmp_path)
    with h5py.File(path, "r+") as file:
        file["patches/source"][4] = 10**6
    with pytest.raises(PoolError, match=r"jpeg\.h5: part 4: its source is not among the"):
        PartPool(path)[4]
