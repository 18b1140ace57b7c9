"""``partpool build`` on data that is not plain LIP: schemes, persons, masks, archives, licences, alarms, rejects."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from conftest import Cli, one_sentence
from partpool import PartPool
from partpool.synthetic.people import write_lip_dataset, write_pairs
from partpool.taxonomy.schemes import ATR, CIHP

ALONE = ("--workers", "0")
OWN = """
scheme = { name = "own", labels = ["background", "left-arm", "right-arm", "hat"] }
"""


@pytest.fixture(scope="module")
def cihp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Single persons in CIHP's layout, all of them person 1."""
    root = tmp_path_factory.mktemp("CIHP")
    write_pairs(root, 12, CIHP)
    (root / "images").rename(root / "Images")
    (root / "labels").rename(root / "Category_ids")
    (root / "Human_ids").mkdir()
    for path in (root / "Category_ids").iterdir():
        persons = (np.asarray(Image.open(path)) > 0).astype(np.uint8)
        Image.fromarray(persons).save(root / "Human_ids" / path.name)
    return root


def test_cihp(cli: Cli, cihp: Path, tmp_path: Path) -> None:
    pairs = ("--images", cihp / "Images", "--labels", cihp / "Category_ids", "--scheme", "cihp")
    run = cli("build", *pairs, "--out", tmp_path / "pool.h5", *ALONE)
    assert (run.code, run.err) == (0, "")
    assert "of asda26 it lacks jumpsuits, and adds torso-skin" in run.out
    pool = PartPool(tmp_path / "pool.h5")
    assert {part.source.rpartition("#")[2] for part in pool} == {"1"}
    shown = cli("inspect", tmp_path / "pool.h5").out
    assert "Licence: CIHP: non-commercial research use only" in shown
    assert "scheme cihp" in shown
    report = json.loads(cli("build", *pairs, "--dry-run", "--json", *ALONE).out)
    assert report["taxonomy"] == {
        "name": "asda26-cihp", "scheme": "cihp", "lacks": ["jumpsuits"], "adds": ["torso-skin"],
    }  # fmt: skip
    assert report["warnings"] == []


def test_cihp_without_its_persons(cli: Cli, cihp: Path, tmp_path: Path) -> None:
    labels = tmp_path / "labels"
    labels.symlink_to(cihp / "Category_ids")
    pairs = ("--images", cihp / "Images", "--labels", labels, "--scheme", "cihp", "--dry-run", *ALONE)
    run = cli("build", *pairs)
    assert run.code == 3
    assert "12 of 12 items failed: several-persons 12" in run.err
    assert "--single-person" in run.err
    assert cli("build", *pairs, "--single-person").code == 0
    assert cli("build", *pairs, "--persons", cihp / "Human_ids").code == 0


@pytest.mark.parametrize("how", [("--single-person",), ("--persons", "Human_ids")])
def test_cihp_is_cut_again_as_it_was(cli: Cli, cihp: Path, tmp_path: Path, how: tuple[str, ...]) -> None:
    labels, pool = tmp_path / "labels", tmp_path / "pool.h5"
    labels.symlink_to(cihp / "Category_ids")
    options = ("--labels", labels, how[0], *(cihp / name for name in how[1:]))
    assert cli("build", "--images", cihp / "Images", *options, "--scheme", "cihp", "--out", pool, *ALONE).code == 0
    run = cli("verify", pool, "--against", cihp / "Images", *options)
    assert (run.code, run.err) == (0, "")
    assert cli("verify", pool, "--against", cihp / "Images", "--labels", labels).code == 3


@pytest.mark.parametrize(
    ("scheme", "read_as", "said"),
    [(CIHP, "lip", "10 = jumpsuits appears as a small patch"), (ATR, "lip", "sunglasses appears as a large area")],
)
def test_the_wrong_scheme_is_said_in_one_sentence(
    cli: Cli, tmp_path: Path, scheme: object, read_as: str, said: str
) -> None:
    write_pairs(tmp_path, 12, scheme)  # type: ignore[arg-type]
    pairs = ("--images", tmp_path / "images", "--labels", tmp_path / "labels", "--scheme", read_as, *ALONE)
    run = cli("build", *pairs, "--dry-run", "--quiet")
    (line,) = run.err.splitlines()
    assert line.startswith("Warning: ")
    assert said in line
    assert line.endswith(f"are these {scheme.name} maps?")  # type: ignore[attr-defined]
    report = json.loads(cli("build", *pairs, "--dry-run", "--json").out)
    assert [f"Warning: {warning}" for warning in report["warnings"]] == [line]


def test_the_alarm_hears_all_workers(cli: Cli, tmp_path: Path) -> None:
    write_pairs(tmp_path, 34, CIHP)
    pairs = ("--images", tmp_path / "images", "--labels", tmp_path / "labels", "--scheme", "lip", "--dry-run")
    reports = [json.loads(cli("build", *pairs, "--json", "--workers", count).out) for count in (0, 2)]
    assert reports[0]["warnings"] == reports[1]["warnings"] != []


def test_a_scheme_of_ones_own(cli: Cli, people: Path, tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(OWN)
    (tmp_path / "labels").mkdir()
    for path in (people / "train_segmentations").iterdir():
        labels = np.asarray(Image.open(path))
        own = np.select([labels == 14, labels == 15, labels == 1], [1, 2, 3], 0).astype(np.uint8)
        np.save(tmp_path / "labels" / f"{path.stem}.npy", own)
    pairs = ("--images", people / "train_images", "--labels", tmp_path / "labels", "--scheme", tmp_path / "own.toml")
    run = cli("build", *pairs, "--out", tmp_path / "pool.h5", *ALONE)
    assert run.code == 0
    pool = PartPool(tmp_path / "pool.h5")
    assert pool.taxonomy.names == ("left-arm", "right-arm", "hat")
    arm = pool[int(pool.indices("left-arm")[0])]
    assert arm.hflip().name == "right-arm"


def test_masks_per_class(cli: Cli, people: Path, tmp_path: Path) -> None:
    for path in (people / "train_segmentations").iterdir():
        labels = np.asarray(Image.open(path))
        for name, value in (("face", 13), ("left_arm", 14), ("right_arm", 15)):
            folder = tmp_path / "masks" / name
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray((labels == value).astype(np.uint8) * 255).save(folder / path.name)
    masks = ("--images", people / "train_images", "--masks", tmp_path / "masks", "--out", tmp_path / "pool.h5", *ALONE)
    assert cli("build", *masks).code == 0
    pool = PartPool(tmp_path / "pool.h5")
    assert pool.taxonomy.names == ("face", "left-arm", "right-arm")
    assert pool.count("left-arm") > 0
    again = ("verify", tmp_path / "pool.h5", "--against", people / "train_images", "--masks", tmp_path / "masks")
    assert (cli(*again).code, cli(*again).err) == (0, "")
    run = cli("build", *masks, "--labels", tmp_path)
    assert (run.code, one_sentence(run.err)) == (2, "pass either --labels or --masks, not both")


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


def test_saved_rejects(cli: Cli, people: Path, tmp_path: Path) -> None:
    build = ("build", "--lip", people, "--dry-run", "--save-rejects", tmp_path / "rejects", *ALONE)
    run = cli(*build)
    assert run.code == 0
    assert f"Wrote the rejected segments to {tmp_path / 'rejects'}" in run.err
    assert (tmp_path / "rejects" / "rejects.jsonl").stat().st_size > 0
    run = cli(*build)
    assert run.code == 5
    assert "pass --overwrite" in one_sentence(run.err)
    assert cli(*build, "--overwrite").code == 0


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


def test_hostile_archives_leave_nothing_behind(cli: Cli, people: Path, tmp_path: Path) -> None:
    root = tmp_path / "LIP"
    root.mkdir()
    with zipfile.ZipFile(root / "all.zip", "w", zipfile.ZIP_DEFLATED) as file:
        for folder in ("train_images", "train_segmentations"):
            for path in sorted((people / folder).iterdir()):
                file.write(path, f"{folder}/{path.name}")
        for name in ("../evil.jpg", "/tmp/evil.jpg", "train_images/../../evil.jpg"):
            file.writestr(name, b"evil")
        file.writestr("train_images/bomb.jpg", bytes(2**20))
        file.writestr("train_segmentations/bomb.png", bytes(2**20))
    before = sorted(tmp_path.rglob("*"))
    run = cli("build", "--lip", root, "--dry-run", *ALONE)
    assert run.code == 3
    assert "3 names that lead out of the archive were left out" in run.err
    assert "1 of 7 items failed: label-unreadable 1" in run.err
    assert sorted(tmp_path.rglob("*")) == before


def test_real_cihp_as_lip_sounds_the_alarm(cli: Cli, shared_data: Path) -> None:
    root = shared_data / "cihp"
    run = cli(
        "build", "--images", root / "Images", "--labels", root / "Category_ids", "--scheme", "lip", "--dry-run", *ALONE
    )
    assert "Warning: 10 = jumpsuits appears as a small patch" in run.err
    right = cli(
        "build", "--images", root / "Images", "--labels", root / "Category_ids", "--scheme", "cihp",
        "--single-person", "--dry-run", *ALONE,
    )  # fmt: skip
    assert "Warning" not in right.err
