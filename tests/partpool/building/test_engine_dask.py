"""Building on a real Dask cluster: the same pool, and one sentence when it goes."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import Cli, one_sentence, write_small_people
from dask_cluster import WORKER, WORKER_OPTIONS, scheduler, start, stop
from partpool import build, find_lip
from partpool.building.work_unit import UNIT
from partpool.errors import BuildStoppedError, ConfigError

ITEMS = 5 * UNIT


@pytest.fixture(scope="module")
def lip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("lip")
    write_small_people(root, ITEMS)
    (root / "train_segmentations" / "000033.png").write_bytes(b"injected")
    return root


@pytest.fixture(scope="module")
def whole(lip: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    out = tmp_path_factory.mktemp("whole") / "pool.h5"
    build(find_lip(lip), out)
    return out.read_bytes()


def test_a_build_with_dask_goes_on(cluster: str, lip: Path, whole: bytes, tmp_path: Path) -> None:
    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt, match="goes on with it"):
        build(find_lip(lip), tmp_path / "pool.h5", scheduler=cluster, on_progress=interrupt)
    assert build(find_lip(lip), tmp_path / "pool.h5", workers=2).resumed > 0
    assert (tmp_path / "pool.h5").read_bytes() == whole


@pytest.mark.slow
def test_workers_that_do_not_see_the_folder_of_the_pool(lip: Path, whole: bytes, tmp_path: Path) -> None:
    """Another file system lies over the folder where the worker is; what it cuts comes through the scheduler."""
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    isolate = ("unshare", "-m", "sh", "-c", 'mount -t tmpfs none "$0" && exec "$@"', str(hidden))
    if not shutil.which("unshare") or subprocess.run((*isolate, "true"), check=False, capture_output=True).returncode:
        pytest.skip("a file system cannot be mounted here")
    process, address = scheduler(tmp_path)
    worker = start(*isolate, *WORKER, address, *WORKER_OPTIONS, "--no-nanny", "--local-directory", str(tmp_path))
    try:
        build(find_lip(lip), hidden / "pool.h5", scheduler=address)
    finally:
        stop([process, worker])
    assert (hidden / "pool.h5").read_bytes() == whole


@pytest.mark.slow
def test_a_lost_scheduler_ends_the_build(lip: Path, whole: bytes, tmp_path: Path) -> None:
    process, address = scheduler(tmp_path)
    worker = start(*WORKER, address, *WORKER_OPTIONS, "--no-nanny", "--local-directory", str(tmp_path))
    try:
        with pytest.raises(BuildStoppedError, match=r"the scheduler tcp://.* was lost.*goes on with it"):
            build(find_lip(lip), tmp_path / "pool.h5", scheduler=address, on_progress=lambda _: process.kill())
    finally:
        stop([process, worker])
    assert build(find_lip(lip), tmp_path / "pool.h5").resumed > 0
    assert (tmp_path / "pool.h5").read_bytes() == whole


def test_the_command_line(process: Cli, cluster: str, lip: Path, whole: bytes, tmp_path: Path) -> None:
    run = process("build", "--lip", lip, "--out", tmp_path / "pool.h5", "--scheduler", cluster)
    assert run.code == 3, run.err
    assert "1 of 80 items failed: label-unreadable 1" in run.err
    assert (tmp_path / "pool.h5").read_bytes() == whole
    run = process("build", "--lip", lip, "--out", tmp_path / "b.h5", "--scheduler", cluster, "--workers", "2")
    assert run.code == 2
    assert "either --workers or --scheduler" in one_sentence(run.err)


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nonsense", "http://127.0.0.1:9"])
def test_a_scheduler_that_is_not_there(
    lip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    pytest.importorskip("distributed", reason="Dask is not installed")
    monkeypatch.setattr("partpool.building.engine_dask.ANSWER", 1.0)
    with pytest.raises(ConfigError, match="no Dask scheduler answers at"):
        build(find_lip(lip), tmp_path / "pool.h5", scheduler=address)
    assert not list(tmp_path.iterdir())


def test_without_dask(lip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ConfigError, match=r'pip install "partpool\[dask\]"'):
        build(find_lip(lip), tmp_path / "pool.h5", scheduler="tcp://127.0.0.1:9")
