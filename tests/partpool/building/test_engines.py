"""What every engine keeps to, tried with real processes: this one, a pool of others, a Dask cluster."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import Cli, one_sentence, write_small_people
from partpool import ASDA26, build, find_lip
from partpool.building.engines import Engine, InProcess, ProcessPool, engine_for
from partpool.building.fingerprint import file_stats
from partpool.building.work_unit import UNIT, UnitCutter, units
from partpool.cutting.cutter import Recipe
from partpool.errors import BuildStoppedError, ConfigError, OutputError

ROOT = Path(__file__).parents[3]
ITEMS = 5 * UNIT


def square(number: int) -> int:
    return number**2


def refuse_seven(number: int) -> int:
    if number == 7:
        raise OutputError("seven cannot be written")
    return number


def die_once(task: tuple[int, str]) -> int:
    """Kill this process at task 5, unless that has happened before."""
    number, mark = task
    if number == 5 and not Path(mark).exists():
        Path(mark).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def die(number: int) -> int:
    if number == 5:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


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


def start(*command: str, ready: Path | None = None) -> subprocess.Popen[bytes]:
    """A part of a cluster, as an administrator starts it; its workers may import these tests."""
    env = {
        **os.environ,
        "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}",
        # Dask tries three times, which takes its time.
        "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1",
    }
    process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")
    end = time.monotonic() + 60
    while ready is not None and not ready.exists():
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.05)
    return process


def stop(processes: list[subprocess.Popen[bytes]]) -> None:
    for process in reversed(processes):
        process.terminate()
    for process in processes:
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


def scheduler(folder: Path) -> tuple[subprocess.Popen[bytes], str]:
    pytest.importorskip("distributed", reason="Dask is not installed")
    dask = (sys.executable, "-m", "distributed.cli.dask_scheduler")
    file = folder / "scheduler.json"
    process = start(
        *dask, "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file), ready=file
    )
    return process, json.loads(file.read_text())["address"]


WORKER = (sys.executable, "-m", "distributed.cli.dask_worker")
WORKER_OPTIONS = ("--nthreads", "1", "--no-dashboard", "--death-timeout", "60")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a scheduler with two worker processes; their nannies replace killed ones."""
    folder = tmp_path_factory.mktemp("cluster")
    process, address = scheduler(folder)
    worker = start(*WORKER, address, "--nworkers", "2", *WORKER_OPTIONS, "--local-directory", str(folder))
    yield address
    stop([process, worker])


@pytest.fixture(params=["in-process", "process-pool", "dask"])
def engine(request: pytest.FixtureRequest) -> Engine:
    if request.param == "in-process":
        return InProcess()
    if request.param == "process-pool":
        return ProcessPool(2)
    return engine_for(0, request.getfixturevalue("cluster"))


def loses_workers(engine: Engine) -> bool:
    return not isinstance(engine, InProcess)


def test_every_task_once(engine: Engine) -> None:
    assert sorted(engine.run(square, range(40))) == [number**2 for number in range(40)]
    assert not list(engine.run(square, []))


def test_tasks_are_taken_only_a_few_ahead(engine: Engine) -> None:
    """Otherwise the tasks of a large build, or their results, would add up in memory."""
    taken = 0

    def tasks() -> Iterator[int]:
        nonlocal taken
        for number in range(200):
            taken += 1
            yield number

    for done, _ in enumerate(engine.run(square, tasks())):
        assert taken - done <= 8


def test_an_error_of_the_function_is_raised(engine: Engine) -> None:
    with pytest.raises(OutputError, match=r"^seven cannot be written$"):
        list(engine.run(refuse_seven, range(20)))


def test_what_was_done_just_before_an_error_is_not_lost(engine: Engine) -> None:
    done: set[int] = set()
    with pytest.raises(OutputError):
        done.update(engine.run(refuse_seven, range(8)))
    assert 6 in done


def test_a_lost_worker_is_replaced(engine: Engine, tmp_path: Path) -> None:
    if not loses_workers(engine):
        pytest.skip("this process would be lost")
    mark = str(tmp_path / "died")
    results = sorted(engine.run(die_once, [(number, mark) for number in range(30)]))
    assert Path(mark).exists()
    assert results == list(range(30))


@pytest.mark.slow
def test_a_task_that_keeps_killing_workers_ends_the_run(engine: Engine) -> None:
    if not loses_workers(engine):
        pytest.skip("this process would be lost")
    with pytest.raises(BuildStoppedError, match=r"died 3 times|kept dying"):
        list(engine.run(die, range(30)))


def test_closing_ends_all_work(engine: Engine) -> None:
    results = engine.run(square, iter(range(10**9)))
    assert next(results) in range(10**9)
    results.close()
    assert sorted(engine.run(square, range(3))) == [0, 1, 4]


def test_other_versions_are_refused(engine: Engine, lip: Path) -> None:
    items = find_lip(lip).items
    cut = UnitCutter(Recipe(ASDA26), versions={"partpool": "0"})
    with pytest.raises(ConfigError, match="other versions"):
        list(engine.run(cut, units(items, [file_stats(item) for item in items], [0])))


def test_the_same_pool(
    engine: Engine, lip: Path, whole: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("partpool.building.builder.engine_for", lambda *_: engine)
    # Workers have another working directory.
    monkeypatch.chdir(lip.parent)
    report = build(find_lip(lip.name), tmp_path / "pool.h5")
    assert [(item.name, item.reason) for item in report.failed] == [("train_images/000033.jpg", "label-unreadable")]
    assert (tmp_path / "pool.h5").read_bytes() == whole
    assert [path.name for path in tmp_path.iterdir()] == ["pool.h5"]


def test_a_build_with_dask_goes_on(cluster: str, lip: Path, whole: bytes, tmp_path: Path) -> None:
    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt, match="goes on with it"):
        build(find_lip(lip), tmp_path / "pool.h5", scheduler=cluster, on_progress=interrupt)
    assert build(find_lip(lip), tmp_path / "pool.h5", workers=2).resumed > 0
    assert (tmp_path / "pool.h5").read_bytes() == whole


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


def test_numbers_of_workers() -> None:
    assert isinstance(engine_for(0), InProcess)
    assert isinstance(engine_for(3), ProcessPool)
    with pytest.raises(ConfigError, match="must not be negative"):
        engine_for(-1)
