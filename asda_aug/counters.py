"""What all processes of a training share: the epoch, how often each sample was read, and what was pasted.

The numbers live in shared memory, so living workers see a new epoch and the main process sees what workers did.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import get_worker_info

ROWS = 65
"""A row of statistics for the main process and each of 64 workers. Nobody else writes into it: no count is lost."""
UNSET = -1


class SharedArray:
    """Integers in shared memory that can be sent to workers under any start method."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._tensor = torch.zeros(shape, dtype=torch.int64)
        self._tensor.share_memory_()  # type: ignore[no-untyped-call]
        self._view: NDArray[np.int64] | None = None

    @property
    def array(self) -> NDArray[np.int64]:
        """The numbers, int64."""
        if self._view is None:
            self._view = self._tensor.numpy()
        return self._view

    def __getstate__(self) -> dict[str, Any]:
        return {"_tensor": self._tensor, "_view": None}


class EpochCounter:
    """The epoch of each sample: what ``set_epoch`` said last, or how often its index was read before."""

    def __init__(self, length: int) -> None:
        self._epoch = SharedArray((1,))
        self._epoch.array[0] = UNSET
        self._reads = SharedArray((max(1, length),))

    def set_epoch(self, epoch: int) -> None:
        """Make ``epoch`` that of all samples, in living workers too."""
        self._epoch.array[0] = epoch

    def read(self, index: int) -> int:
        """The epoch of a sample that is being read now."""
        before = int(self._reads.array[index])
        self._reads.array[index] = before + 1
        return self._given(before)

    def last(self, index: int) -> int:
        """The epoch in which a sample was last read; 0 before it was."""
        return self._given(max(0, int(self._reads.array[index]) - 1))

    def _given(self, counted: int) -> int:
        epoch = int(self._epoch.array[0])
        return counted if epoch == UNSET else epoch


class Tally:
    """Counts by name over all processes.

    Args:
        names: What is counted.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._index = {name: index for index, name in enumerate(names)}
        self._counts = SharedArray((ROWS, len(names)))

    def add(self, counts: Mapping[str, int]) -> None:
        """Count things in this process."""
        worker = get_worker_info()
        row = self._counts.array[0 if worker is None else 1 + worker.id % (ROWS - 1)]
        for name, count in counts.items():
            row[self._index[name]] += count

    def totals(self) -> dict[str, int]:
        """The counts of all processes so far."""
        return dict(zip(self._index, self._counts.array.sum(axis=0).tolist(), strict=True))
