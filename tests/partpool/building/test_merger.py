"""Merging: the shards of a build give its bytes, whatever they are and in whatever order they come."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import write_small_people
from partpool import EXTENDED, PartPool, build, find_lip, merge
from partpool.errors import ConfigError, OutputError, PoolError, PoolNotFoundError
from partpool.pool import merge_plan as plan
from partpool.verify.verifier import verify

ITEMS = 24


@pytest.fixture(scope="module")
def lip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Items of which one is damaged, and three are there twice, far from each other."""
    root = tmp_path_factory.mktemp("lip")
    write_small_people(root, ITEMS)
    (root / "train_id.txt").unlink()
    (root / "train_segmentations" / "000003.png").write_bytes(b"")
    for first, again in (("000000", "zz"), ("000010", "000002b"), ("000011", "000011b")):
        shutil.copy2(root / "train_images" / f"{first}.jpg", root / "train_images" / f"{again}.jpg")
        shutil.copy2(root / "train_segmentations" / f"{first}.png", root / "train_segmentations" / f"{again}.png")
    return root


@pytest.fixture(scope="module")
def whole(lip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("whole") / "pool.h5"
    build(find_lip(lip), out)
    return out


def shards(lip: Path, folder: Path, of: int) -> list[Path]:
    paths = [folder / f"shard-{number}.h5" for number in range(1, of + 1)]
    for number, path in enumerate(paths, 1):
        build(find_lip(lip).shard(number, of), path)
    return paths


@settings(max_examples=10, deadline=None)
@given(of=st.integers(1, 9), order=st.randoms(use_true_random=False), window=st.sampled_from([1, 3, 2**15]))
@pytest.mark.slow
def test_shards_give_the_bytes_of_the_whole(
    lip: Path, whole: Path, tmp_path_factory: pytest.TempPathFactory, of: int, order: Any, window: int
) -> None:
    folder = tmp_path_factory.mktemp("shards")
    paths = shards(lip, folder, of)
    order.shuffle(paths)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan, "WINDOW", window)
        report = merge(paths, folder / "merged.h5")
    assert (folder / "merged.h5").read_bytes() == whole.read_bytes()
    assert (report.files, report.parts, report.missing) == (of, len(PartPool(whole)), [])
    assert report.pool_bytes == whole.stat().st_size
    assert sorted(folder.glob("merged*")) == [folder / "merged.h5"]


@settings(max_examples=6, deadline=None)
@given(owner=st.lists(st.integers(0, 2), min_size=ITEMS + 3, max_size=ITEMS + 3))
def test_any_division_of_the_items_merges(
    lip: Path, whole: Path, tmp_path_factory: pytest.TempPathFactory, owner: list[int]
) -> None:
    """Not only neighbours: rows of the files then alternate in the merged one."""
    folder, source = tmp_path_factory.mktemp("division"), find_lip(lip)
    paths = []
    for number in range(3):
        items = tuple(item for item, whose in zip(source, owner, strict=True) if whose == number)
        paths.append(folder / f"{number}.h5")
        build(replace(source, items=items), paths[-1])
    merge(paths, folder / "merged.h5")
    assert (folder / "merged.h5").read_bytes() == whole.read_bytes()


def test_merging_in_steps(lip: Path, whole: Path, tmp_path: Path) -> None:
    paths = shards(lip, tmp_path, 4)
    report = merge([paths[3], paths[1]], tmp_path / "a.h5")
    assert report.missing == ["1/4", "3/4"]
    assert merge([paths[0], tmp_path / "a.h5"], tmp_path / "b.h5").missing == ["3/4"]
    assert merge([tmp_path / "b.h5", paths[2]], tmp_path / "c.h5").missing == []
    assert (tmp_path / "c.h5").read_bytes() == whole.read_bytes()
    with pytest.raises(ConfigError, match="shard 2/4 is in two of the files"):
        merge([tmp_path / "a.h5", paths[1]], tmp_path / "d.h5")


@pytest.mark.parametrize("known", [(), (0,), (20,), (5, 9), range(ITEMS)], ids=str)
def test_keypoints_merge(lip: Path, tmp_path: Path, known: Any) -> None:
    """A pool has the column if a keypoint of any part is known; in shards that lack it they are unknown."""
    source = find_lip(lip)
    points = np.random.default_rng(0).uniform(0, 90, (len(source), 16, 3)).astype(np.float32)
    items = tuple(
        replace(item, keypoints=points[number] if number in known else None) for number, item in enumerate(source)
    )
    source = replace(source, items=items)
    build(source, tmp_path / "whole.h5")
    paths = [tmp_path / f"shard-{number}.h5" for number in (1, 2, 3)]
    for number, path in enumerate(paths, 1):
        build(source.shard(number, 3), path)
    merge(paths, tmp_path / "merged.h5")
    assert (tmp_path / "merged.h5").read_bytes() == (tmp_path / "whole.h5").read_bytes()
    with h5py.File(tmp_path / "merged.h5") as file:
        assert ("keypoints" in file["patches"]) == bool(known)
    assert not verify(PartPool(tmp_path / "merged.h5"), strict=True, against=source).problems


def test_one_file_and_pools_of_nothing(lip: Path, whole: Path, tmp_path: Path) -> None:
    build(find_lip(lip).limit(0), tmp_path / "empty.h5")
    merge([whole], tmp_path / "one.h5")
    assert (tmp_path / "one.h5").read_bytes() == whole.read_bytes()
    merge([tmp_path / "empty.h5", whole], tmp_path / "two.h5")
    assert (tmp_path / "two.h5").read_bytes() == whole.read_bytes()
    report = merge([tmp_path / "empty.h5"], tmp_path / "none.h5")
    assert (report.parts, len(PartPool(tmp_path / "none.h5"))) == (0, 0)
    assert (tmp_path / "none.h5").read_bytes() == (tmp_path / "empty.h5").read_bytes()


def test_different_data_sets_keep_their_terms(lip: Path, tmp_path: Path) -> None:
    source = find_lip(lip)
    build(replace(source, items=source.items[:9]), tmp_path / "lip.h5")
    build(replace(source, items=source.items[7:], kind="pairs", split="", license_note="mine"), tmp_path / "mine.h5")
    report = merge([tmp_path / "lip.h5", tmp_path / "mine.h5"], tmp_path / "both.h5")
    pool = PartPool(tmp_path / "both.h5")
    (described,) = pool.info()["sources"]
    assert (described["kind"], described["split"]) == ("lip + pairs", "train")
    assert described["license"].endswith(" + mine")
    assert report.repeated > 0
    assert not verify(pool, strict=True).problems


def test_several_files_open_as_the_merged_one(lip: Path, tmp_path: Path) -> None:
    paths = shards(lip, tmp_path, 3)
    merge(paths, tmp_path / "merged.h5")
    apart, merged = PartPool(paths), PartPool(tmp_path / "merged.h5")
    seen = {(part.source, part.name, part.box.tobytes()) for part in merged}
    assert {(part.source, part.name, part.box.tobytes()) for part in apart} >= seen
    for name in ("left-arm", "whole-body"):
        assert apart.count(name) >= merged.count(name)
        assert {apart[index].name for index in apart.indices(name)} == {name}


def with_attribute(name: str, value: Any) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        with h5py.File(path, "r+") as file:
            file.attrs[name] = value

    return change


def other_config(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["config"])
        config["filters"]["min_area"] = 7
        file.attrs["config"] = json.dumps(config)


def flip_a_byte(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file["patches/data"][1000] ^= 1


def unsorted_sources(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file["sources/name"][...] = file["sources/name"][...][::-1]


def source_out_of_range(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file["patches/source"][-1] = 2**31


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (other_config, r"another configuration than .*: filters: min_area is 7, not 1225"),
        (
            with_attribute("builder", "partpool 0.0"),
            "another version of partpool than .*: 'partpool 0.0', not 'partpool",
        ),
        (with_attribute("created", "yesterday"), "'created' is no time"),
        (flip_a_byte, "is damaged: the checksum of part 0 is wrong"),
        (unsorted_sources, "are not sorted by name"),
        (source_out_of_range, "names sources that are not there"),
        (lambda path: path.write_bytes(path.read_bytes()[:3000]), "is not a pool, or is damaged|cut short"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_what_does_not_fit_or_is_damaged_is_refused(
    lip: Path, tmp_path: Path, change: Callable[[Path], object], said: str
) -> None:
    first, second = shards(lip, tmp_path, 2)
    change(second)
    with pytest.raises(PoolError, match=said):
        merge([first, second], tmp_path / "merged.h5")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["shard-1.h5", "shard-2.h5"]


def test_other_mistakes(lip: Path, whole: Path, tmp_path: Path) -> None:
    copy, out = tmp_path / "copy.h5", tmp_path / "merged.h5"
    shutil.copy(whole, copy)
    build(find_lip(lip).limit(3), tmp_path / "extended.h5", taxonomy=EXTENDED)
    mistakes: list[tuple[list[Path], Path, type[Exception], str]] = [
        ([], out, ConfigError, "at least one"),
        ([copy, copy], out, ConfigError, "is given twice"),
        ([copy, tmp_path / "no.h5"], out, PoolNotFoundError, "there is no pool file"),
        ([copy, tmp_path / "extended.h5"], out, PoolError, "another taxonomy"),
        ([copy], whole, OutputError, "exists; pass --overwrite"),
        ([copy], tmp_path / "no" / "x.h5", OutputError, "there is no folder"),
    ]
    for paths, target, error, said in mistakes:
        with pytest.raises(error, match=said):
            merge(paths, target)
    with pytest.raises(ConfigError, match="is one of the files to merge"):
        merge([whole, copy], copy, overwrite=True)
    assert copy.read_bytes() == whole.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy.h5", "extended.h5"]


def test_an_unfinished_build_is_not_lost(lip: Path, whole: Path, tmp_path: Path) -> None:
    def stop(_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(find_lip(lip), tmp_path / "pool.h5", on_progress=stop)
    with pytest.raises(OutputError, match="holds an unfinished build"):
        merge([whole], tmp_path / "pool.h5")
    assert build(find_lip(lip), tmp_path / "pool.h5").resumed > 0


def test_progress_counts_bytes(whole: Path, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    merge([whole], tmp_path / "merged.h5", on_progress=lambda done, total: seen.append((done, total)))
    assert seen == sorted(seen)
    total = int(np.diff(h5py.File(whole)["patches/offset"][[0, -1]])[0])
    assert seen[-1] == (total, total)
