"""``partpool verify``: what is wrong with a pool, and how it is said."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

from conftest import Cli, one_sentence
from partpool import PartPool, build, find_pairs


@pytest.fixture
def copy(pool: Path, tmp_path: Path) -> Path:
    """A pool that a test may damage."""
    return shutil.copy(pool, tmp_path / "copy.h5")


def flip(path: Path, part: int) -> None:
    """Change a bit in the middle of a part."""
    with h5py.File(path) as file:
        first, last = file["patches/offset"][part : part + 2].tolist()
        position = file["patches/data"].id.get_offset() + (first + last) // 2
    with path.open("r+b") as file:
        file.seek(position)
        (byte,) = file.read(1)
        file.seek(position)
        file.write(bytes([byte ^ 16]))


def test_sources_that_have_changed(cli: Cli, people: Path, pool: Path, tmp_path: Path) -> None:
    run = cli("verify", pool, "--strict", "--against", people)
    assert (run.code, run.err) == (0, "")
    assert "no damage found" in run.out
    root = tmp_path / "LIP"
    shutil.copytree(people, root)
    Image.new("L", (9, 9)).save(root / "train_segmentations" / "000003.png")
    run = cli("verify", pool, "--against", root)
    assert run.code == 3
    assert "train_images/000003.jpg: it can no longer be cut: the image is" in run.out
    for args, code, said in (
        (("--against", tmp_path / "nowhere"), 4, "there is no folder"),
        (("--labels", people), 2, "--labels and --masks go with --against"),
        (("--masks", people), 2, "--labels and --masks go with --against"),
        (("--against", people, "--single-person"), 2, "--persons and --single-person go with --labels"),
        (("--against", people, "--labels", people, "--masks", people), 2, "pass either --labels or --masks, not both"),
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


@pytest.mark.parametrize("strict", [[], ["--strict"]])
def test_a_sound_pool(cli: Cli, pool: Path, strict: list[str]) -> None:
    run = cli("verify", pool, *strict)
    assert (run.code, run.err) == (0, "")
    assert f"{len(PartPool(pool)):,} parts, no damage found" in run.out
    document = json.loads(cli("verify", pool, *strict, "--json").out)
    assert document == {"parts": len(PartPool(pool)), "strict": bool(strict), "problems": []}


@pytest.mark.parametrize("strict", [[], ["--strict"]])
def test_flipped_bits_are_found_and_named(cli: Cli, copy: Path, strict: list[str]) -> None:
    for part in (0, 11, len(PartPool(copy)) - 1):
        flip(copy, part)
    run = cli("verify", copy, *strict)
    assert run.code == 3
    damaged = [0, 11, len(PartPool(copy)) - 1]
    assert f"3 problems, in 3 of {len(PartPool(copy)):,} parts" in run.out
    for part in damaged:
        assert f"part {part}:" in run.out
    run = cli("verify", copy, *strict, "--json")
    assert run.code == 3
    named = [problem.split(": ")[1] for problem in json.loads(run.out)["problems"]]
    assert named == [f"part {number}" for number in damaged]
    # One damaged part does not stop one from looking at the others.
    assert cli("inspect", copy).code == 0


@pytest.mark.parametrize(("column", "change"), [("area", 1), ("height", 1), ("person_box", 5000), ("codec", 9)])
def test_wrong_columns_are_found_by_looking_at_every_pixel(cli: Cli, copy: Path, column: str, change: int) -> None:
    with h5py.File(copy, "r+") as file:
        small = int(np.flatnonzero(file["patches/height"][:] < 300)[0])
        file[f"patches/{column}"][small] = file[f"patches/{column}"][small] + change
    assert cli("verify", copy).code == 0
    run = cli("verify", copy, "--strict")
    assert run.code == 3
    assert f"part {small}: " in run.out
