"""``partpool build --shard`` and ``partpool merge`` from the command line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from conftest import PYTHON, Cli, one_sentence
from partpool import PartPool, build, find_lip

ALONE = ("--workers", "0")


@pytest.fixture
def shards(cli: Cli, people: Path, tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"shard-{number}.h5" for number in (1, 2, 3)]
    for number, path in enumerate(paths, 1):
        assert cli("build", "--lip", people, "--out", path, "--shard", f"{number}/3", *ALONE).code == 0
    return paths


def test_shards_and_merge(cli: Cli, pool: Path, shards: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "merged.h5"
    run = cli("merge", *reversed(shards), "--out", out)
    assert (run.code, run.err) == (0, "")
    assert f"{len(PartPool(pool)):,} parts from 3 files" in run.out
    assert f"Wrote {out}" in run.out
    assert out.read_bytes() == pool.read_bytes()
    assert cli("verify", out, "--strict").code == 0
    assert [json.loads(cli("inspect", path, "--json").out)["n_items"] for path in shards] == [2, 2, 2]


def test_json_and_missing_shards(cli: Cli, shards: list[Path], tmp_path: Path) -> None:
    run = cli("merge", shards[2], shards[0], "--out", tmp_path / "merged.h5", "--json")
    assert run.code == 0
    report = json.loads(run.out)
    assert (report["files"], report["missing"], report["repeated"]) == (2, ["2/3"], 0)
    assert report["parts"] == len(PartPool(tmp_path / "merged.h5"))
    assert run.err == "Note: without shard 2/3, which was not among the files\n"


def test_limit_comes_before_shard(cli: Cli, people: Path, tmp_path: Path) -> None:
    run = cli("build", "--lip", people, "--limit", 4, "--shard", "2/2", "--out", tmp_path / "pool.h5", "--json", *ALONE)
    assert json.loads(run.out)["items"] == 2
    assert {part.source for part in PartPool(tmp_path / "pool.h5")} == {
        "train_images/000002.jpg", "train_images/000003.jpg",
    }  # fmt: skip


@pytest.mark.parametrize("shard", ["3", "0/3", "4/3", "-1/3", "1/0", "a/b", "1/2/3", "", "1.5/3", "/"])
def test_what_is_no_shard(cli: Cli, people: Path, tmp_path: Path, shard: str) -> None:
    run = cli("build", "--lip", people, "--out", tmp_path / "pool.h5", f"--shard={shard}")
    assert (run.code, run.out) == (2, "")
    assert "--shard takes I/N" in one_sentence(run.err)


def test_a_shard_without_items(cli: Cli, people: Path, tmp_path: Path) -> None:
    run = cli("build", "--lip", people, "--out", tmp_path / "pool.h5", "--shard", "1/100", *ALONE)
    assert run.code == 3
    assert "No part was kept." in run.err
    assert len(PartPool(tmp_path / "pool.h5")) == 0


def test_mistakes(cli: Cli, pool: Path, shards: list[Path], tmp_path: Path) -> None:
    (tmp_path / "text.h5").write_text("hat")
    existing = tmp_path / "exists.h5"
    existing.write_text("mine")
    for args, code, said in (
        ((shards[0], tmp_path / "text.h5", "--out", tmp_path / "x.h5"), 4, "is not a pool"),
        ((shards[0], tmp_path / "no.h5", "--out", tmp_path / "x.h5"), 4, "there is no pool file"),
        ((shards[0], "--out", existing), 5, "exists; pass --overwrite"),
        ((shards[0], shards[0], "--out", tmp_path / "x.h5"), 2, "is given twice"),
    ):
        run = cli("merge", *args)
        assert (run.code, run.out) == (code, "")
        assert said in one_sentence(run.err)
    assert existing.read_text() == "mine"
    assert not list(tmp_path.glob("x.h5*"))
    assert cli("merge", pool, "--out", existing, "--overwrite").code == 0
    assert existing.read_bytes() == pool.read_bytes()
    assert cli("merge", "--out", tmp_path / "x.h5").code == 2


@pytest.mark.slow
def test_resuming_from_the_command_line(cli: Cli, crowd: Path, crowd_pool: Path, tmp_path: Path) -> None:
    """What a user sees: how to go on, that it went on, and what has changed meanwhile."""
    out = tmp_path / "pool.h5"
    command = [*PYTHON, "build", "--lip", str(crowd), "--out", str(out), *ALONE]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + 30
    while len(list(tmp_path.glob("pool.h5.spool/*.npz"))) < 3:
        assert time.monotonic() < end
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert f"kept in {tmp_path}/pool.h5.spool, and the same command goes on with it" in one_sentence(said)
    run = cli("build", "--lip", crowd, "--out", out, "--codec", "png", *ALONE)
    assert (run.code, run.out) == (2, "")
    assert "codec was jpeg, is png; jpeg_quality was 92, is not set. Pass --no-resume" in one_sentence(run.err)
    run = cli("build", "--lip", crowd, "--out", out, "--json", *ALONE)
    assert run.code == 0
    resumed = json.loads(run.out)["resumed"]
    assert resumed >= 48
    assert f"Resuming: {resumed:,} of 480 items were done before" in run.err
    assert out.read_bytes() == crowd_pool.read_bytes()


def test_starting_over_from_the_command_line(cli: Cli, people: Path, pool: Path, tmp_path: Path) -> None:
    def stop(_: object) -> None:
        raise KeyboardInterrupt

    out = tmp_path / "pool.h5"
    with pytest.raises(KeyboardInterrupt):
        build(find_lip(people), out, codec="raw", on_progress=stop)
    run = cli("build", "--lip", people, "--out", out, "--no-resume", *ALONE)
    assert run.code == 0
    assert "Resuming" not in run.err
    assert out.read_bytes() == pool.read_bytes()
