"""Every level of verification finds the damage that is its own, and a sound pool passes them all."""

from __future__ import annotations

import json
import shutil
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import h5py
import numpy as np
import pytest
from PIL import Image

from conftest import Cli, one_sentence, write_small_people
from partpool import EXTENDED, FilterConfig, PartPool, build, find_lip, find_pairs, merge
from partpool.errors import ConfigError, PoolError
from partpool.pool.codec import CODECS
from partpool.verify.verifier import verify

ITEMS = 20


@pytest.fixture(scope="module")
def lip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("lip")
    write_small_people(root, ITEMS)
    return root


@pytest.fixture(scope="module")
def sound(lip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "pool.h5"
    build(find_lip(lip), path, max_side=100)
    return path


@pytest.fixture
def pool(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(sound, tmp_path / "pool.h5"))


def problems(path: Path, **options: Any) -> list[str]:
    return [problem.removeprefix(f"{path}: ") for problem in verify(PartPool(path), **options).problems]


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


def replace_patch(path: Path, row: int, change: Callable[[bytes], bytes]) -> None:
    """Other bytes of the same length, with a checksum that fits."""
    with h5py.File(path, "r+") as file:
        first, last = file["patches/offset"][row : row + 2].tolist()
        data = change(file["patches/data"][first:last].tobytes())
        assert len(data) == last - first
        file["patches/data"][first:last] = np.frombuffer(data, np.uint8)
        file["patches/crc32"][row] = zlib.crc32(data)


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


def set_row(name: str, row: int, value: Any) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        file[name][row] = value

    return change


def swap_sources(file: h5py.File) -> None:
    file["sources/name"][...] = file["sources/name"][...][::-1]


def repeat_digest(file: h5py.File) -> None:
    file["sources/digest"][1] = file["sources/digest"][0]


def other_stats(file: h5py.File) -> None:
    stats = json.loads(file.attrs["stats"])
    stats["hair"]["kept"] += 1
    file.attrs["stats"] = json.dumps(stats)


def fewer_items(file: h5py.File) -> None:
    file.attrs["source"] = json.dumps({**json.loads(file.attrs["source"]), "n_items": 3})


def stricter_filters(file: h5py.File) -> None:
    config = json.loads(file.attrs["config"])
    config["filters"]["min_area"] = int(file["patches/area"][...].max())
    file.attrs["config"] = json.dumps(config)


COLUMNS: list[tuple[Callable[[h5py.File], None], str]] = [
    (set_row("patches/source", 4, 10**6), "part 4: its source is not among the 20"),
    (set_row("patches/source", -1, 0), "it is not sorted by source"),
    (set_row("patches/box", 3, (5, 5, 5, 5)), "part 3: its box does not lie in its person's box"),
    (set_row("patches/person_box", 3, (0, 0, 9999, 9999)), "part 3: its person's box does not lie in the picture"),
    (set_row("patches/area", 3, 10**8), "part 3: its area does not fit its box"),
    (set_row("patches/codec", 3, 0), "part 3: its codec is not jpeg"),
    (set_row("patches/width", 3, 1), "part 3: its width does not fit its box"),
    (set_row("patches/quality", 3, (np.nan,) * 5), "part 3: its quality is not a number"),
    (set_row("patches/quality", 3, (1e9, 1, 1, 0, 20)), "part 3: its quality names another area"),
    (swap_sources, "/sources are not sorted"),
    (repeat_digest, "/sources hold an item twice"),
    (set_row("sources/name", 0, b"\xff"), "is not UTF-8"),
    (set_row("sources/name", 0, b""), "a source has no name"),
    (other_stats, "of class 'hair', but there are"),
    (fewer_items, "are more than its 3 items"),
    (stricter_filters, "its own filters would have rejected it as small"),
]


@pytest.mark.parametrize(("damage", "said"), COLUMNS, ids=[said for _, said in COLUMNS])
def test_level_4_columns(pool: Path, damage: Callable[[h5py.File], None], said: str) -> None:
    with h5py.File(pool, "r+") as file:
        damage(file)
    assert problems(pool) == []
    assert any(said in problem for problem in problems(pool, strict=True))


def test_level_4_measures(pool: Path) -> None:
    opened = PartPool(pool)
    row = next(row for row, part in enumerate(opened) if part.mask.shape[0] == part.box[3] - part.box[1])
    for column, name in ((2, "raggedness"), (3, "border")):
        with h5py.File(pool, "r+") as file:
            quality = file["patches/quality"][row]
            file["patches/quality"][row, column] = quality[column] + 0.125
        assert any(f"part {row}: its mask has the {name}" in problem for problem in problems(pool, strict=True))


def test_level_5_sources(lip: Path, pool: Path, tmp_path: Path) -> None:
    root = tmp_path / "LIP"
    shutil.copytree(lip, root)
    (root / "train_images" / "000002.jpg").unlink()
    image = root / "train_images" / "000004.jpg"
    image.write_bytes(image.read_bytes() + b"x")
    source = find_lip(root)
    assert problems(pool, strict=True) == []
    found = problems(pool, strict=True, against=source)
    assert found == [
        "train_images/000002.jpg: it is not in the data set",
        "train_images/000004.jpg: its files have changed since",
    ]


def test_level_5_pixels_of_another_photograph(lip: Path, tmp_path: Path) -> None:
    """Everything fits, checksum, mask and columns, but the colours were never in the source."""
    path, source = tmp_path / "pool.h5", find_lip(lip)
    build(source, path, codec="raw")
    height, width = PartPool(path)[0].mask.shape

    def paint(data: bytes) -> bytes:
        pixels = np.frombuffer(data, np.uint8, 3 * height * width)
        return (pixels ^ np.uint8(128)).tobytes() + data[len(pixels) :]

    replace_patch(path, 0, paint)
    assert problems(path, strict=True) == []
    (problem,) = problems(path, strict=True, against=source)
    assert problem.endswith("part 0 has other pixels than what is cut from it")


def test_level_5_takes_other_encodings_of_the_same(lip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another version of a library may compress the same pixels into other bytes."""
    path, source = tmp_path / "pool.h5", find_lip(lip)
    monkeypatch.setattr("partpool.pool.codec.PNG_PARAMS", (cv2.IMWRITE_PNG_COMPRESSION, 9))
    build(source, path, codec="png")
    monkeypatch.undo()
    assert problems(path, strict=True, against=source) == []


def test_level_5_needs_the_same_rules(lip: Path, pool: Path) -> None:
    with h5py.File(pool, "r+") as file:
        config = json.loads(file.attrs["config"])
        file.attrs["config"] = json.dumps({**config, "gap": 0.5})
    with pytest.raises(ConfigError, match=r"was cut by other rules than this version's \(gap\)"):
        verify(PartPool(pool), against=find_lip(lip))


def test_the_command_line(cli: Cli, lip: Path, pool: Path, tmp_path: Path) -> None:
    run = cli("verify", pool, "--strict", "--against", lip)
    assert (run.code, run.err) == (0, "")
    assert "no damage found" in run.out
    root = tmp_path / "LIP"
    shutil.copytree(lip, root)
    Image.new("L", (9, 9)).save(root / "train_segmentations" / "000003.png")
    run = cli("verify", pool, "--against", root)
    assert run.code == 3
    assert "train_images/000003.jpg: it can no longer be cut: the image is" in run.out
    for args, code, said in (
        (("--against", tmp_path / "nowhere"), 4, "there is no folder"),
        (("--labels", lip), 2, "--labels and --masks go with --against"),
        (("--masks", lip), 2, "--labels and --masks go with --against"),
        (("--against", lip, "--single-person"), 2, "--persons and --single-person go with --labels"),
        (("--against", lip, "--labels", lip, "--masks", lip), 2, "pass either --labels or --masks, not both"),
    ):
        run = cli("verify", pool, *args)
        assert (run.code, run.out) == (code, "")
        assert said in one_sentence(run.err)


def test_photographs_and_labels(cli: Cli, lip: Path, tmp_path: Path) -> None:
    images, labels = lip / "train_images", lip / "train_segmentations"
    build(find_pairs(images, labels, "lip"), tmp_path / "pool.h5")
    run = cli("verify", tmp_path / "pool.h5", "--against", images, "--labels", labels)
    assert (run.code, run.err) == (0, "")
    run = cli("verify", tmp_path / "pool.h5", "--against", images)
    assert run.code == 2
    assert "pass its photographs with --against" in one_sentence(run.err)
