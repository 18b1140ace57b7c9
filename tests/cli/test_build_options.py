"""What the options of ``partpool build`` mean together: data sets, schemes, persons, masks, thresholds, shards."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from partpool_cli.build_options import find_source, find_taxonomy, shard_numbers, thresholds_by_class
from PIL import Image

from conftest import Cli, one_sentence
from partpool import ASDA26, LIP, FilterConfig, PartPool
from partpool.errors import ConfigError
from partpool.synthetic.people import write_pairs
from partpool.taxonomy.schemes import CIHP

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


@pytest.mark.parametrize("text", ["0/3", "4/3", "1", "a/b", "1/0", "-1/2", "1/2/3", "", "½/2"])
def test_what_is_no_shard(text: str) -> None:
    with pytest.raises(ConfigError, match=f"such as 3/8, but got '{text}'"):
        shard_numbers(text)


@given(st.integers(1, 10**6), st.integers(0, 10**6))
def test_shards_are_two_numbers(number: int, more: int) -> None:
    assert shard_numbers(f"{number}/{number + more}") == (number, number + more)
    assert shard_numbers(None) is None


def test_thresholds_go_over_the_defaults() -> None:
    assert thresholds_by_class(["hair=0.2", "coat=1e1"], {"hair": 0.5, "hat": 3}) == {"hair": 0.2, "hat": 3, "coat": 10}
    assert thresholds_by_class(None, {"hair": 0.5}) == {"hair": 0.5}
    for wrong in ("hair", "hair=", "hair=x", "=", "hair:3"):
        with pytest.raises(ConfigError, match="written CLASS=NUMBER"):
            thresholds_by_class([wrong], {})


def test_taxonomies_by_name_or_scheme_with_more_classes() -> None:
    assert find_taxonomy("asda26", [], FilterConfig()) == ASDA26
    composed = find_taxonomy(LIP, ["arms=left-arm+right-arm"], FilterConfig(min_largest_of={"arms": 0.3}))
    assert composed.names == (*ASDA26.names, "arms")
    with pytest.raises(ConfigError, match="there is no class 'arms'"):
        find_taxonomy(LIP, [], FilterConfig(min_largest_of={"arms": 0.3}))


NAMES = ("lip", "images", "labels", "masks", "scheme")


@pytest.mark.parametrize(
    ("given_", "said"),
    [
        ((), "pass the source"),
        (("images",), "pass the source"),
        (("labels", "scheme"), "pass the source"),
        (("images", "labels"), "pass --scheme"),
        (("lip", "images"), "not both"),
        (("lip", "scheme"), "not both"),
        (("images", "labels", "masks"), "pass either --labels or --masks"),
    ],
)
def test_options_that_do_not_fit_together(given_: tuple[str, ...], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        find_source(*(name if name in given_ else None for name in NAMES), None, False, "train")  # type: ignore[arg-type]
