"""``partpool inspect``: what is in a pool, and what is no pool."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

from conftest import Cli, one_sentence
from partpool import EXTENDED, PartPool, build, find_lip
from partpool.synthetic.people import write_lip_dataset


@pytest.fixture
def copy(pool: Path, tmp_path: Path) -> Path:
    """A pool that a test may damage."""
    return shutil.copy(pool, tmp_path / "copy.h5")


@pytest.fixture(scope="module")
def empty(people: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pool of no parts."""
    path = tmp_path_factory.mktemp("empty") / "empty.h5"
    build(find_lip(people).items[:0], path)
    return path


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


ALONE = ("--workers", "0")


def test_table(cli: Cli, pool: Path) -> None:
    run = cli("inspect", pool)
    assert (run.code, run.err) == (0, "")
    opened = PartPool(pool)
    rows = {line.split()[0]: line.split() for line in run.out.splitlines() if line.strip()}
    for part in opened.classes:
        assert rows[part.name][1] == f"{opened.count(part.name):,}"
    assert f"{len(opened):,} parts from 6 items" in run.out
    assert "non-commercial" in run.out


def test_json(cli: Cli, pool: Path) -> None:
    run = cli("inspect", pool, "--json")
    assert (run.code, run.err) == (0, "")
    document = json.loads(run.out)
    opened = PartPool(pool)
    assert opened.info().items() <= document.items()
    assert document["n_parts"] == sum(document["classes"].values()) == len(opened) > 0
    assert set(document["median_size"]) == set(opened.taxonomy.names)


def test_one_class_and_one_part(cli: Cli, pool: Path) -> None:
    document = json.loads(cli("inspect", pool, "--class", "left-arm", "--json").out)
    assert document["classes"] == {"left-arm": PartPool(pool).count("left-arm")}
    part = PartPool(pool)[7]
    document = json.loads(cli("inspect", pool, "--part", "7", "--json").out)
    assert (document["part"], document["class"], document["source"]) == (7, part.name, part.source)
    assert (document["height"], document["width"]) == part.mask.shape
    assert document["box"] == part.box.tolist()
    run = cli("inspect", pool, "--part", "7")
    assert f"class: {part.name}" in run.out.splitlines()


@pytest.mark.parametrize("args", [[], ["--class", "left-arm"], ["--class", "skirt"], ["--part", "3"]])
@pytest.mark.parametrize("ending", ["png", "jpg"])
def test_sheet(cli: Cli, pool: Path, tmp_path: Path, args: list[str], ending: str) -> None:
    sheet = tmp_path / f"a sheet.{ending}"
    run = cli("inspect", pool, *args, "--sheet", sheet, "--json")
    assert run.code == 0
    json.loads(run.out)
    assert str(sheet) in run.err
    with Image.open(sheet) as picture:
        assert picture.format == {"png": "PNG", "jpg": "JPEG"}[ending]
        assert np.asarray(picture.convert("L")).std() > 5
    assert list(tmp_path.iterdir()) == [sheet]


@pytest.mark.parametrize(
    ("sheet", "said"),
    [("no/sheet.png", "cannot be written"), ("sheet", ".png or .jpg"), ("x.foo", ".png or .jpg"), ("folder.png", "")],
)
def test_sheets_that_cannot_be_written(cli: Cli, pool: Path, tmp_path: Path, sheet: str, said: str) -> None:
    (tmp_path / "folder.png").mkdir()
    run = cli("inspect", pool, "--sheet", tmp_path / sheet)
    assert run.code == 5
    assert said in one_sentence(run.err)
    assert [path.name for path in tmp_path.iterdir()] == ["folder.png"]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--class", "nose"], "there is no class 'nose'; taxonomy 'asda26' has: hat, hair"),
        (["--part", "99999"], "there is no part 99999; the pool has"),
        (["--part", "-1"], "there is no part -1; the pool has"),
        (["--seed", "-1", "--sheet", "sheet.png"], "seed"),
    ],
)
def test_wrong_options(
    cli: Cli, pool: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, args: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    run = cli("inspect", pool, *args)
    assert run.code == 2
    assert said in run.err
    assert not list(tmp_path.iterdir())


def _text(path: Path) -> None:
    path.write_text("no pool\n" * 99)


def _other_hdf5(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["data"] = np.arange(9)


def _without_class_ids(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        del file["patches/class_id"]


def _next_version(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file.attrs["format_version"] = 2


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (Path.unlink, "there is no pool file"),
        (_text, "is not a pool"),
        (lambda path: path.write_bytes(b""), "is not a pool"),
        (_other_hdf5, "is an HDF5 file, but not a partpool pool"),
        (_without_class_ids, "/patches/class_id is missing"),
        (_next_version, "format version 2, this partpool reads 1"),
        (lambda path: path.unlink() or path.mkdir(), "folder"),
    ],
    ids=["missing", "text", "empty file", "other HDF5", "no column", "next version", "folder"],
)
@pytest.mark.parametrize("command", ["inspect", "verify"])
def test_what_is_no_pool(cli: Cli, copy: Path, spoil: Callable[[Path], object], said: str, command: str) -> None:
    spoil(copy)
    for args in ([], ["--json"]):
        run = cli(command, copy, *args)
        assert (run.code, run.out) == (4, "")
        message = one_sentence(run.err)
        assert said in message
        assert str(copy) in message


def test_truncated_pools(cli: Cli, copy: Path) -> None:
    data = copy.read_bytes()
    for length in (*range(8, 4000, 251), *range(4000, len(data), len(data) // 12), len(data) - 1):
        copy.write_bytes(data[:length])
        run = cli("inspect", copy)
        assert (run.code, run.out) == (4, "")
        assert str(copy) in one_sentence(run.err)


def test_a_pattern_that_matches_nothing(cli: Cli, tmp_path: Path) -> None:
    run = cli("inspect", tmp_path / "pool-*.h5")
    assert run.code == 4
    assert "there is no pool file" in one_sentence(run.err)


def test_no_parts(cli: Cli, empty: Path, tmp_path: Path) -> None:
    assert json.loads(cli("inspect", empty, "--json").out)["n_parts"] == 0
    run = cli("inspect", empty, "--sheet", tmp_path / "sheet.png")
    assert run.code == 0
    assert "0 parts from 0 items" in run.out
    assert (tmp_path / "sheet.png").exists()
    run = cli("verify", empty, "--strict")
    assert run.code == 0
    assert "0 parts, no damage" in run.out


def test_two_pools_as_one(cli: Cli, pool: Path, copy: Path) -> None:
    parts = len(PartPool(pool))
    document = json.loads(cli("inspect", pool, copy, "--json").out)
    assert document["n_parts"] == 2 * parts
    assert document["n_items"] == 12
    assert document["files"] == [str(pool), str(copy)]
    assert f"{2 * parts:,} parts from 12 items" in cli("inspect", pool, copy).out
    second = json.loads(cli("inspect", pool, copy, "--part", str(parts + 4), "--json").out)
    first = json.loads(cli("inspect", pool, "--part", "4", "--json").out)
    assert second | {"part": 4} == first
    flip(copy, 2)
    run = cli("verify", pool, copy)
    assert run.code == 3
    assert f"{copy}: part 2:" in run.out


def test_pools_of_other_classes_do_not_join(cli: Cli, people: Path, pool: Path, tmp_path: Path) -> None:
    build(find_lip(people).items[:1], tmp_path / "extended.h5", taxonomy=EXTENDED)
    run = cli("inspect", pool, tmp_path / "extended.h5")
    assert run.code == 4
    assert "another taxonomy" in one_sentence(run.err)


def test_a_closed_pool_is_said_to_be_closed(unprivileged: Cli, copy: Path, public_folder: Path) -> None:
    path = shutil.copy(copy, public_folder / "closed.h5")
    path.chmod(0o000)
    run = unprivileged("inspect", path)
    assert (run.code, run.out) == (4, "")
    assert "Permission denied" in one_sentence(run.err)


def test_licence_notes(cli: Cli, people: Path, tmp_path: Path) -> None:
    pairs = ("--images", people / "train_images", "--labels", people / "train_segmentations", "--scheme", "lip")
    for options, note in (
        (("--lip", people), "LIP (Look Into Person): non-commercial"),
        (("--lip", people, "--license-note", "mine, CC0"), "mine, CC0"),
        ((*pairs, "--license-note", "photos: CC BY 4.0"), "photos: CC BY 4.0"),
    ):
        out = tmp_path / "pool.h5"
        assert cli("build", *options, "--limit", "1", "--out", out, "--overwrite", *ALONE).code == 0
        assert f"Licence: {note}" in cli("inspect", out).out
    assert cli("build", *pairs, "--limit", "1", "--out", out, "--overwrite", *ALONE).code == 0
    assert "Licence" not in cli("inspect", out).out


def test_inspect_shows_which_keypoints_there_are(cli: Cli, tmp_path: Path, pool: Path) -> None:
    write_lip_dataset(tmp_path / "LIP", 3, pose=True)
    assert cli("build", "--lip", tmp_path / "LIP", "--out", tmp_path / "pool.h5", *ALONE).code == 0
    coverage = json.loads(cli("inspect", tmp_path / "pool.h5", "--json").out)["keypoints"]
    parts = len(PartPool(tmp_path / "pool.h5"))
    assert set(coverage["known"].values()) == {parts}
    assert 0 < coverage["in_patch"]["left_elbow"] < parts
    assert "left_elbow 100%" in cli("inspect", tmp_path / "pool.h5").out
    assert "Keypoints: none" in cli("inspect", pool).out
    assert json.loads(cli("inspect", pool, "--json").out)["keypoints"] is None
