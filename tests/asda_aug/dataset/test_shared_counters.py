from __future__ import annotations

import pickle
from collections.abc import Callable
from multiprocessing.context import BaseContext
from typing import Any

import numpy as np
import pytest
import torch
from torch import multiprocessing
from torch.utils.data import DataLoader, Dataset

from asda_aug.dataset.shared_counters import ROWS, EpochCounter, SharedArray, Tally


def bump(shared: SharedArray) -> None:
    shared.array[0] += 5


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_another_process_sees_and_changes_the_same_numbers(method: str) -> None:
    shared = SharedArray((2,))
    shared.array[0] = 1
    context: BaseContext = multiprocessing.get_context(method)
    process = context.Process(target=bump, args=(shared,))  # type: ignore[attr-defined]
    process.start()
    process.join()
    assert process.exitcode == 0
    assert shared.array.tolist() == [6, 0]


def test_a_pickled_copy_is_apart() -> None:
    shared = SharedArray((1,))
    copy = pickle.loads(pickle.dumps(shared))
    copy.array[0] = 3
    assert shared.array[0] == 0


def test_until_an_epoch_is_set_reads_are_counted() -> None:
    counter = EpochCounter(3)
    assert counter.last(1) == 0
    assert [counter.read(1) for _ in range(3)] == [0, 1, 2]
    assert counter.read(0) == 0
    assert [counter.last(index) for index in range(3)] == [0, 2, 0]
    counter.set_epoch(9)
    assert counter.read(2) == 9 == counter.last(0)
    with pytest.raises(ValueError, match="must not be negative, but got -1"):
        counter.set_epoch(-1)
    with pytest.raises(RuntimeError, match="has grown from 3 samples"):
        counter.read(3)


class Counting(Dataset[torch.Tensor]):
    """Counts each sample, and its index, wherever it is read."""

    def __init__(self) -> None:
        self.tally = Tally(("samples", "indices"))

    def __len__(self) -> int:
        return 40

    def __getitem__(self, index: int) -> torch.Tensor:
        self.tally.add([("samples", 1), ("indices", index)])
        return torch.tensor(index)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:This DataLoader will create:UserWarning")
@pytest.mark.parametrize("workers", [0, 1, 3])
def test_counts_of_all_workers_are_added_up(workers: int) -> None:
    dataset = Counting()
    for _ in DataLoader(dataset, 4, num_workers=workers):
        pass
    assert dataset.tally.totals() == {"samples": 40, "indices": sum(range(40))}


def test_workers_beyond_the_rows_share_one(monkeypatch: pytest.MonkeyPatch) -> None:
    tally = Tally(("samples",))

    def as_worker(number: int) -> Callable[[], Any]:
        return lambda: type("Info", (), {"id": number})

    for number in (0, ROWS - 2, ROWS - 1, 10 * ROWS):
        monkeypatch.setattr("asda_aug.dataset.shared_counters.get_worker_info", as_worker(number))
        tally.add([("samples", 1)])
    assert tally.totals() == {"samples": 4}
    assert np.count_nonzero(tally._counts.array) < 4
