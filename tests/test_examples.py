"""Every script in examples/ runs, small, as a user would start it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


def run(script: str, *args: object, cwd: Path, warnings: str = "error::DeprecationWarning") -> str:
    """What an example prints."""
    command = [sys.executable, "-W", warnings, str(EXAMPLES / script), *map(str, args)]
    done = subprocess.run(command, cwd=cwd, env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(autouse=True)
def torch() -> None:
    """Examples train."""
    pytest.importorskip("torch", reason="PyTorch is not installed")


def test_every_readme_names_the_scripts_that_can_be_run() -> None:
    for folder in filter(Path.is_dir, EXAMPLES.iterdir()):
        scripts = [path.name for path in folder.glob("*.py") if "__main__" in path.read_text("utf-8")]
        if scripts:
            readme = (folder / "README.md").read_text("utf-8")
            assert [name for name in scripts if f"{folder.name}/{name}" not in readme] == []


@pytest.mark.slow
def test_wrap_dataset(tmp_path: Path) -> None:
    out = run("wrap_dataset/wrap_dataset.py", cwd=tmp_path)
    assert out.count("(8, 256, 192, 3)") == 2
    covered = sum(int(count) for count in re.findall(r"occluded keypoints: (\d+)", out))
    assert re.search(rf"^16 parts on 16 samples cover {covered} of \d+$", out, re.MULTILINE)
    assert covered > 0
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_hrnet_style(pool: Path, tmp_path: Path) -> None:
    args = ("--pool", pool, "--people", 32, "--epochs", 3)
    out = run("hrnet_style/hrnet_style.py", *args, cwd=tmp_path)
    losses = [float(loss) for loss in re.findall(r"loss ([\d.]+)", out)]
    assert len(losses) == 3
    assert losses[-1] < losses[0]
    touched, samples = (int(number) for number in re.search(r"parts on (\d+) of (\d+) samples", out).groups())
    assert samples == 96
    assert 24 < touched < 72
    for joint in ("right_ankle", "left_wrist", "mean"):
        assert re.search(rf"^{joint} +[\d.]+% +[\d.]+%$", out, re.MULTILINE)
    assert "parts on 0 of 96" in run("hrnet_style/hrnet_style.py", *args, "--p", 0, cwd=tmp_path)


@pytest.mark.slow
def test_asda_loop(pool: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    from asda_aug import Generator

    args = (
        "--pool",
        pool,
        "--people",
        24,
        "--steps",
        4,
        "--batch",
        6,
        "--look-every",
        2,
        "--warmup",
        2,
        "--plain-steps",
        1,
    )
    for anchor, mode, trunk in (("image", "one-pass", "pose"), ("joint", "alternate", "resnet18")):
        out = tmp_path / anchor
        chosen = ("--anchor", anchor, "--mode", mode, "--trunk", trunk)
        printed = run("asda_loop/asda_loop.py", *args, "--out", out, *chosen, cwd=tmp_path)
        assert [int(step) for step in re.findall(r"step (\d+)", printed)] == [2, 4]
        assert load_file(out / "gen.safetensors")["head.weight"].any()
        if trunk == "resnet18":
            assert Generator.load(out / "gen.safetensors").head.weight.any()
        steps = [line.split(",")[0] for line in (out / "history.csv").read_text("utf-8").splitlines()]
        assert steps == ["step", "0", "2", "4"]
        for name in ("gen.safetensors", "asda.pt", "grid.png"):
            assert (out / name).stat().st_size > 1000


def test_lightning(pool: Path, tmp_path: Path) -> None:
    pytest.importorskip("lightning", reason="Lightning is not installed")
    args = ("lightning/train.py", "--pool", pool, "--people", 32, "--out", tmp_path)
    assert "2 steps" in run(*args, "--epochs", 1, cwd=tmp_path, warnings="default")
    resumed = run(*args, "--epochs", 2, "--resume", tmp_path / "last.ckpt", cwd=tmp_path, warnings="default")
    assert "4 steps" in resumed


@pytest.mark.slow
def test_ddp(pool: Path, tmp_path: Path) -> None:
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    script = [str(EXAMPLES / "ddp" / "train.py"), "--pool", str(pool), "--people", "32", "--epochs", "1"]
    done = subprocess.run(
        [*launcher, *script, "--out", str(tmp_path)], cwd=tmp_path, env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "2 steps on 2 ranks" in done.stdout
    assert (tmp_path / "gen.safetensors").exists()
