"""What every engine keeps to, tried with real processes: this one, a pool of others, a Dask cluster."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import write_small_people
from partpool import ASDA26, build, find_lip
from partpool.building.engines import Engine, InProcess, ProcessPool, engine_for
from partpool.building.fingerprint import file_stats
from partpool.building.work_unit import UNIT, UnitCutter, units
from partpool.cutting.cutter import Recipe
from partpool.errors import BuildStoppedError, ConfigError, OutputError

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


@pytest.mark.slow
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


@pytest.mark.slow
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


def test_numbers_of_workers() -> None:
    assert isinstance(engine_for(0), InProcess)
    assert isinstance(engine_for(3), ProcessPool)
    with pytest.raises(ConfigError, match="must not be negative"):
        engine_for(-1)
