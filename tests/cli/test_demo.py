"""``partpool demo``: the one command that needs nothing."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from conftest import Cli, Run, one_sentence
from partpool import PartPool
from partpool.verify.verifier import verify


def tree(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def test_demo_has_parts_of_every_class(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run = cli("demo")
    assert run.code == 0
    out = tmp_path / "partpool-demo"
    assert [path.name for path in tmp_path.iterdir()] == ["partpool-demo"]
    pool = PartPool(out / "pool.h5")
    assert len(pool.classes) == 26
    assert all(pool.count(part.name) >= 1 for part in pool.classes)
    assert not verify(pool, strict=True).problems
    assert "synthetic" in pool.info()["sources"][0]["license"]
    for picture in ("sheet.png", "preview.png"):
        with Image.open(out / picture) as opened:
            assert opened.width > 1000
    for folder in ("LIP/train_images", "LIP/train_segmentations"):
        assert len(list((out / folder).iterdir())) == 60
    assert "pool.h5" in run.out
    assert "sheet.png" in run.out
    assert "preview.png" in run.out
    # It shows the commands that it runs, and they do what it did.
    for command, name in (("build", "pool.h5"), ("inspect", "sheet.png"), ("preview", "preview.png")):
        shown = next(line for line in run.err.splitlines() if line.startswith(f"$ partpool {command}"))
        before = (out / name).read_bytes()
        (out / name).unlink()
        assert cli(*shlex.split(shown)[2:]).code == 0
        assert (out / name).read_bytes() == before


def test_a_second_demo_needs_overwrite(cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "demo"
    assert cli("demo", "--out", out, "--people", "3", "--quiet").err == ""
    (out / "mine.txt").write_text("mine")
    (out / "LIP" / "mine.txt").write_text("mine too")
    before = tree(out)
    run = cli("demo", "--out", out, "--people", "2")
    assert (run.code, run.out) == (5, "")
    assert "--overwrite" in one_sentence(run.err)
    assert tree(out) == before
    assert cli("demo", "--out", out, "--people", "2", "--seed", "1", "--overwrite").code == 0
    after = tree(out)
    assert PartPool(out / "pool.h5").info()["n_items"] == 2
    assert {name for name in after if name.startswith("LIP/train_images")} == {
        "LIP/train_images/000000.jpg",
        "LIP/train_images/000001.jpg",
    }
    assert after["mine.txt"] == b"mine"
    assert after.get("LIP/mine.txt") == b"mine too"


@pytest.mark.parametrize("overwrite", [[], ["--overwrite"]])
def test_folders_of_others_are_left_alone(cli: Cli, tmp_path: Path, overwrite: list[str]) -> None:
    (tmp_path / "LIP").mkdir()
    (tmp_path / "LIP" / "notes.txt").write_text("mine")
    (tmp_path / "pool.h5").write_text("mine")
    before = tree(tmp_path)
    run = cli("demo", "--out", tmp_path, "--people", "1", *overwrite)
    assert run.code == 5
    assert "not made by partpool demo" in one_sentence(run.err)
    assert tree(tmp_path) == before


def test_an_empty_folder_and_a_deep_one(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for out in (tmp_path / "empty", tmp_path / "a" / "b c" / "ж"):
        assert cli("demo", "--out", out, "--people", "1").code == 0
        assert len(PartPool(out / "pool.h5")) > 0


def test_a_file_is_no_folder(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for out in (tmp_path / "file", tmp_path / "file" / "demo"):
        run = cli("demo", "--out", out)
        assert (run.code, run.out) == (5, "")
        one_sentence(run.err)


@pytest.mark.parametrize("args", [["--people", "0"], ["--people", "many"], ["--seed", "-1"]])
def test_wrong_options(cli: Cli, tmp_path: Path, args: list[str]) -> None:
    run = cli("demo", "--out", tmp_path / "demo", *args)
    assert (run.code, run.out) == (2, "")
    assert args[0] in run.err or args[0].strip("-") in run.err


@pytest.mark.parametrize("size", [100_000, 1_000_000])
@pytest.mark.slow
def test_a_full_disk(full_disk: Callable[..., tuple[Run, Path]], size: int) -> None:
    run, after = full_disk(size, "demo", "--out", "demo", "--people", "12", "--quiet")
    assert run.code == 5
    assert "No space left" in one_sentence(run.err)
    assert not list(after.rglob("*.h5"))
    assert not list(after.rglob("sheet*"))


def test_a_read_only_folder(unprivileged: Cli, public_folder: Path) -> None:
    public_folder.chmod(0o555)
    run = unprivileged("demo", "--out", public_folder / "demo")
    assert (run.code, run.out) == (5, "")
    assert "Permission denied" in one_sentence(run.err)
