"""Every script in examples/ runs, small, as a user would start it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


def run(script: str, *args: object, cwd: Path) -> str:
    """What an example prints."""
    command = [sys.executable, "-W", "error::DeprecationWarning", str(EXAMPLES / script), *map(str, args)]
    done = subprocess.run(command, cwd=cwd, env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(autouse=True)
def torch() -> None:
    """Examples train."""
    pytest.importorskip("torch", reason="PyTorch is not installed")


def test_every_example_has_a_readme_and_one_script() -> None:
    for folder in filter(Path.is_dir, EXAMPLES.iterdir()):
        scripts = [path.name for path in folder.glob("*.py")]
        if scripts:
            assert scripts == [f"{folder.name}.py"]
            assert f"{folder.name}.py" in (folder / "README.md").read_text("utf-8")


def test_wrap_dataset(tmp_path: Path) -> None:
    out = run("wrap_dataset/wrap_dataset.py", cwd=tmp_path)
    assert out.count("(8, 256, 192, 3)") == 2
    covered = sum(int(count) for count in re.findall(r"occluded keypoints: (\d+)", out))
    assert re.search(rf"^16 parts on 16 samples cover {covered} of \d+$", out, re.MULTILINE)
    assert covered > 0
    assert not list(tmp_path.iterdir())


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
