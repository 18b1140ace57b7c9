"""``partpool build``: exit codes, failed items, and that nothing half-written is ever left behind."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from conftest import Cli, one_sentence
from partpool import PartPool, find_lip, sources
from partpool.verify.verifier import verify

ALONE = ("--workers", "0")
IMAGES, LABELS = "train_images", "train_segmentations"


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def keep_start(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:900])


def colour(path: Path) -> None:
    Image.open(path).convert("RGB").save(path)


def sixteen_bit(path: Path) -> None:
    Image.fromarray(np.asarray(Image.open(path)).astype(np.uint16)).save(path)


def wrong_scheme(path: Path) -> None:
    Image.fromarray(np.asarray(Image.open(path)) + np.uint8(30)).save(path)


def smaller(path: Path) -> None:
    Image.open(path).resize((50, 60)).save(path)


def as_jpeg(path: Path) -> None:
    Image.open(path).convert("L").save(path, "JPEG")


DAMAGE: list[tuple[str, Callable[[Path], object], str, str]] = [
    (LABELS, keep_start, "label-truncated", "truncated"),
    (IMAGES, keep_start, "image-truncated", "cut short"),
    (LABELS, lambda path: path.write_bytes(b""), "label-empty", "empty"),
    (IMAGES, lambda path: path.write_bytes(b""), "image-empty", "empty"),
    (LABELS, lambda path: path.write_text("hat"), "label-unreadable", "not a PNG"),
    (IMAGES, lambda path: path.write_text("hat"), "image-unreadable", "not a picture"),
    (LABELS, colour, "label-rgb", "expected an index PNG"),
    (LABELS, sixteen_bit, "label-16-bit", "16 bits"),
    (LABELS, as_jpeg, "label-lossy", "is a JPEG"),
    (LABELS, wrong_scheme, "label-out-of-scheme", "ends at 19"),
    (LABELS, smaller, "size-mismatch", "50×60"),
    (LABELS, Path.unlink, "label-missing", "missing"),
    (IMAGES, Path.unlink, "image-missing", "missing"),
    (IMAGES, lambda path: path.unlink() or path.symlink_to(path.name), "image-unreadable", "cannot be read"),
    (IMAGES, lambda path: path.unlink() or path.symlink_to("/dev/zero"), "image-unreadable", "not a regular file"),
]


def test_a_build(cli: Cli, people: Path, tmp_path: Path) -> None:
    out = tmp_path / "a pool é.h5"
    run = cli("build", "--lip", people, "--out", out, *ALONE)
    assert run.code == 0
    assert run.err == "Note: 6 train items; the complete LIP has 30,462\n"
    pool = PartPool(out)
    assert f"{len(pool):,} parts from 6 items" in run.out
    assert str(out) in run.out
    assert not verify(pool, strict=True).problems
    assert left(tmp_path) == [out.name]


def test_json_is_the_report(cli: Cli, people: Path, tmp_path: Path) -> None:
    out = tmp_path / "pool.h5"
    run = cli("build", "--lip", people, "--out", out, "--json", *ALONE)
    assert run.code == 0
    report = json.loads(run.out)
    assert (report["out"], report["items"], report["failed"]) == (str(out), 6, [])
    assert report["parts"] == len(PartPool(out)) == sum(counts.get("kept", 0) for counts in report["counts"].values())
    assert report["pool_bytes"] == out.stat().st_size
    assert report["notes"] == ["6 train items; the complete LIP has 30,462"]


@pytest.mark.parametrize("lossy", [[], ["--codec", "raw", "--max-side", "64"]])
def test_a_dry_run_writes_nothing(
    cli: Cli, people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lossy: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    report = json.loads(cli("build", "--lip", people, "--dry-run", "--json", *lossy, *ALONE).out)
    assert report["out"] is None
    assert left(tmp_path) == []
    real = json.loads(cli("build", "--lip", people, "--out", "pool.h5", "--json", *lossy, *ALONE).out)
    assert (report["parts"], report["counts"]) == (real["parts"], real["counts"])
    assert report["pool_bytes"] == pytest.approx(real["pool_bytes"], rel=0.1)
    before = Path("pool.h5").read_bytes()
    run = cli("build", "--lip", people, "--out", "pool.h5", "--dry-run", *ALONE)
    assert "nothing was written" in run.out
    assert (left(tmp_path), Path("pool.h5").read_bytes()) == (["pool.h5"], before)


@pytest.mark.parametrize(("folder", "damage", "reason", "said"), DAMAGE, ids=lambda value: str(value)[:24])
def test_a_failed_item_is_named_and_the_build_goes_on(
    cli: Cli, lip: Path, tmp_path: Path, folder: str, damage: Callable[[Path], object], reason: str, said: str
) -> None:
    (path,) = (lip / folder).glob("000002.*")
    damage(path)
    out = tmp_path / "pool.h5"
    run = cli("build", "--lip", lip, "--out", out, *ALONE)
    assert run.code == 3
    assert f"1 of 6 items failed: {reason} 1" in run.err
    (line,) = (line for line in run.err.splitlines() if "000002" in line)
    assert line.startswith(f"  {IMAGES}/000002")
    assert said in line
    pool = PartPool(out)
    assert pool.info()["errors"] == {reason: 1}
    assert len({part.source for part in pool}) == 5
    run = cli("build", "--lip", lip, "--out", out, "--overwrite", "--json", "--quiet", *ALONE)
    assert (run.code, run.err) == (3, "")
    (failed,) = json.loads(run.out)["failed"]
    assert failed["reason"] == reason
    assert f"{failed['name']}: {failed['message']}" in line


def test_strict_and_max_errors(cli: Cli, lip: Path, tmp_path: Path) -> None:
    for stem in ("000001", "000004"):
        (lip / LABELS / f"{stem}.png").write_bytes(b"")
    args = ("build", "--lip", lip, "--out", tmp_path / "pool.h5", *ALONE)
    for options in (["--strict"], ["--max-errors", "0"], ["--max-errors", "1"], ["--strict", "--max-errors", "9"]):
        run = cli(*args, *options)
        assert (run.code, run.out) == (3, "")
        said = one_sentence(run.err)
        assert said.startswith(f"{IMAGES}/{'000004' if options[-1] == '1' else '000001'}.jpg: the label map is")
        assert "no pool was written" in said
        assert left(tmp_path) == ["LIP"]
    assert cli(*args, "--max-errors", "2").code == 3
    assert len(PartPool(tmp_path / "pool.h5")) > 0


def test_an_output_that_exists(cli: Cli, people: Path, lip: Path, tmp_path: Path) -> None:
    out = tmp_path / "pool.h5"
    out.write_text("mine")
    args = ("build", "--out", out, *ALONE)
    run = cli(*args, "--lip", people)
    assert (run.code, run.out) == (5, "")
    assert "exists; pass --overwrite" in one_sentence(run.err)
    (lip / LABELS / "000003.png").write_bytes(b"")
    assert cli(*args, "--lip", lip, "--strict", "--overwrite").code == 3
    assert out.read_text() == "mine"
    assert cli(*args, "--lip", people, "--overwrite").code == 0
    assert len(PartPool(out)) > 0
    assert left(tmp_path) == ["LIP", "pool.h5"]


@pytest.mark.parametrize(
    ("out", "said"),
    [
        ("no/pool.h5", "there is no folder"),
        ("folder", "is a folder"),
        ("folder/", "is a folder"),
        ("file/pool.h5", "there is no folder"),
        ("", "is a folder"),
        ("x" * 300, "File name too long"),
        ("x" * 250, "File name too long"),
    ],
)
def test_outputs_that_cannot_be(
    cli: Cli, people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: str, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    Path("file").touch()
    for options in ([], ["--overwrite"]):
        run = cli("build", "--lip", people, "--out", out, *ALONE, *options)
        assert (run.code, run.out) == (5, "")
        assert said in one_sentence(run.err)
        assert left(tmp_path) == ["file", "folder"]


def test_nothing_kept_is_a_pool_of_no_parts(cli: Cli, people: Path, tmp_path: Path) -> None:
    out = tmp_path / "pool.h5"
    run = cli("build", "--lip", people, "--out", out, "--min-area", "100000000", *ALONE)
    assert run.code == 3
    assert "No part was kept." in run.err
    assert len(PartPool(out)) == 0
    assert cli("verify", out, "--strict").code == 0
    assert cli("build", "--lip", people, "--dry-run", "--min-area", "100000000", *ALONE).code == 3


LIP = ["--lip", "LIP", "--dry-run"]
PAIRS = ["--images", f"LIP/{IMAGES}", "--labels", f"LIP/{LABELS}", "--dry-run"]


@pytest.mark.parametrize(
    ("code", "args", "said"),
    [
        (2, ["--lip", "LIP"], "pass --out POOL.h5, or --dry-run"),
        (2, [], "pass the source, --lip DIR or --images and --labels, and --out POOL.h5"),
        (2, ["--dry-run"], "pass the source: --lip DIR"),
        (2, [*LIP, *PAIRS], "either --lip, or --images"),
        (2, PAIRS, "pass --scheme (lip, cihp, atr"),
        (2, [*PAIRS, "--scheme", "foo"], "there is no scheme 'foo'; there are: lip"),
        (2, ["--images", "LIP", "--scheme", "lip", "--dry-run"], "pass the source"),
        (2, [*LIP, "--taxonomy", "asda27"], "no built-in taxonomy 'asda27'"),
        (2, [*LIP, "--taxonomy", "wrong.toml"], "wrong.toml: unknown keys colour"),
        (2, [*LIP, "--taxonomy", "no.toml"], "there is no taxonomy file no.toml"),
        (2, [*LIP, "--taxonomy", "other.toml"], "over scheme 'other', but the items are 'lip'"),
        (2, [*LIP, "--compose", "arms=left-arm+rigth-arm"], "'rigth-arm', but scheme 'lip' has only"),
        (2, [*LIP, "--compose", "arms"], "takes NAME=a+b"),
        (2, [*LIP, "--compose", "hat=hair"], "names a class twice: hat"),
        (2, [*LIP, "--min-largest-of", "nose=0.5"], "there is no class 'nose'"),
        (2, [*LIP, "--min-largest-of", "hair"], "CLASS=NUMBER, but got 'hair'"),
        (2, [*LIP, "--max-raggedness-of", "hair=much"], "CLASS=NUMBER, but got 'hair=much'"),
        (2, [*LIP, "--min-area", "-1"], "min_area must lie in"),
        (2, [*LIP, "--min-fill", "nan"], "min_fill must lie in [0, 1], but got nan"),
        (2, [*LIP, "--max-border", "1.5"], "max_border must lie in [0, 1], but got 1.5"),
        (2, [*LIP, "--max-side", "5"], "max_side must lie in [16, 4096]"),
        (4, ["--lip", "none", "--dry-run"], "there is no folder none"),
        (4, ["--lip", "wrong.toml", "--dry-run"], "wrong.toml is not a folder"),
        (4, ["--lip", f"LIP/{IMAGES}", "--dry-run"], "is not LIP: expected train_images with train_segmentations"),
        (4, ["--lip", "empty", "--dry-run"], "empty is empty"),
        (4, [*LIP, "--split", "val"], "holds no val split, only train; pass --split train"),
        (4, ["--images", "LIP", "--labels", "labels_rev", "--scheme", "lip", "--dry-run"], "mirrored images"),
        (4, ["--images", "empty", "--labels", "LIP", "--scheme", "lip", "--dry-run"], "empty holds no images"),
        (4, ["--images", "LIP", "--labels", f"LIP/{LABELS}", "--scheme", "lip", "--dry-run"], "no image in LIP has a"),
    ],
)
def test_mistakes_are_one_sentence(
    cli: Cli, lip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, args: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    Path("labels_rev").mkdir()
    Path("wrong.toml").write_text("extends = 'asda26'\ncolour = 'red'")
    Path("other.toml").write_text(
        "[scheme]\nname = 'other'\nlabels = ['none', 'hat']\n[[class]]\nname = 'hat'\nlabels = ['hat']\nsize = 0.2"
    )
    before = left(tmp_path)
    for options in ([], ["--json"]):
        run = cli("build", *args, *options, *ALONE)
        assert (run.code, run.out) == (code, "")
        assert said in one_sentence(run.err)
    assert left(tmp_path) == before


@pytest.mark.parametrize("args", [["--limit", "0"], ["--split", "test"], ["--codec", "gif"], ["--workers", "-1"]])
def test_values_that_no_option_takes(cli: Cli, people: Path, args: list[str]) -> None:
    run = cli("build", "--lip", people, "--dry-run", *args)
    assert (run.code, run.out) == (2, "")
    assert args[0] in run.err


@pytest.mark.parametrize("value", ["yesterday", "99999999999999", "-1e300"])
def test_a_wrong_date_in_the_environment(cli: Cli, people: Path, tmp_path: Path, value: str) -> None:
    run = cli("build", "--lip", people, "--out", tmp_path / "pool.h5", *ALONE, env={"SOURCE_DATE_EPOCH": value})
    assert run.code == 2
    assert "SOURCE_DATE_EPOCH" in one_sentence(run.err)
    assert left(tmp_path) == []


def test_pairs_limit_and_classes(cli: Cli, people: Path, tmp_path: Path) -> None:
    pairs = ("--images", people / IMAGES, "--labels", people / LABELS, "--scheme", "lip", "--limit", "2")
    run = cli("build", *pairs, "--out", tmp_path / "pool.h5", "--compose", "arms=left-arm+right-arm", "--json", *ALONE)
    assert run.code == 0
    assert json.loads(run.out)["items"] == 2
    pool = PartPool(tmp_path / "pool.h5")
    assert (len(pool.classes), pool.classes[26].name) == (27, "arms")
    assert {part.source for part in pool} == {"000000.jpg", "000001.jpg"}


def test_a_file_that_vanishes_is_a_failed_item(
    cli: Cli, lip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find(root: Path, split: sources.Split) -> sources.Source:
        found = find_lip(root, split)
        (lip / IMAGES / "000003.jpg").unlink()
        return found

    monkeypatch.setattr(sources, "find_lip", find)
    run = cli("build", "--lip", lip, "--out", tmp_path / "pool.h5", *ALONE)
    assert run.code == 3
    assert f"{IMAGES}/000003.jpg: the image file is missing" in run.err


def test_a_pipe_is_a_failed_item(process: Cli, lip: Path, tmp_path: Path) -> None:
    """Opening one waits for a writer that never comes."""
    (lip / IMAGES / "000003.jpg").unlink()
    os.mkfifo(lip / IMAGES / "000003.jpg")
    run = process("build", "--lip", lip, "--out", tmp_path / "pool.h5", *ALONE, timeout=10)
    assert run.code == 3
    assert "not a regular file" in run.err
