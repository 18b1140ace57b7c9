"""What all processes of a training share: the epoch, how often each sample was read, and what was pasted.

The numbers live in shared memory, so living workers see a new epoch and the main process sees what workers did.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import distributed
from torch.utils.data import get_worker_info

ROWS = 65
"""A row of statistics for the main process and each of 64 workers, so that workers do not write into the same one."""
UNSET = -1


class SharedArray:
    """Integers in shared memory that can be sent to workers under any start method.

    Attributes:
        array: The numbers, int64.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._share(torch.zeros(shape, dtype=torch.int64))

    def _share(self, tensor: torch.Tensor) -> None:
        """Keep a tensor, in shared memory. A copy that was not made for a worker gets memory of its own there."""
        self._tensor = tensor
        self._tensor.share_memory_()  # type: ignore[no-untyped-call]
        self.array: NDArray[np.int64] = self._tensor.numpy()

    def __getstate__(self) -> torch.Tensor:
        return self._tensor

    def __setstate__(self, tensor: torch.Tensor) -> None:
        self._share(tensor)


class EpochCounter:
    """The epoch of each sample: what ``set_epoch`` said last, or how often its index was read before."""

    def __init__(self, length: int) -> None:
        self._epoch = SharedArray((1,))
        self._epoch.array[0] = UNSET
        self._reads = SharedArray((max(1, length),))
        self._asked = False

    def set_epoch(self, epoch: int) -> None:
        """Make ``epoch`` that of all samples, in living workers too."""
        self._epoch.array[0] = checked_epoch(epoch)

    def read(self, index: int) -> int:
        """The epoch of a sample that is being read now."""
        reads = self._reads.array
        if index >= len(reads):
            raise RuntimeError(f"the data set has grown from {len(reads)} samples; wrap it again")
        before: int = reads.item(index)
        reads[index] = before + 1
        if not self._asked:
            self._asked = True
            self._warn_of_ranks()
        return self._given(before)

    def _warn_of_ranks(self) -> None:
        ranks = distributed.get_world_size() if distributed.is_available() and distributed.is_initialized() else 1
        if ranks > 1 and self._epoch.array[0] == UNSET:
            warnings.warn(
                f"each of {ranks} ranks counts its own reads, so an index may get the same parts again on another; "
                "call set_epoch(epoch) on the data set in every epoch, as on the sampler",
                stacklevel=2,
            )

    def last(self, index: int) -> int:
        """The epoch in which a sample was last read; 0 before it was."""
        return self._given(max(0, int(self._reads.array[index]) - 1))

    def _given(self, counted: int) -> int:
        epoch: int = self._epoch.array.item(0)
        return counted if epoch == UNSET else epoch


def checked_epoch(epoch: int) -> int:
    """The same epoch.

    Raises:
        ValueError: If it is negative.
    """
    if epoch < 0:
        raise ValueError(f"an epoch must not be negative, but got {epoch}")
    return epoch


class Tally:
    """Counts by name over all processes.

    Args:
        names: What is counted.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._index = {name: index for index, name in enumerate(names)}
        self._counts = SharedArray((ROWS, len(names)))

    def add(self, counts: Iterable[tuple[str, int]]) -> None:
        """Count things in this process."""
        worker = get_worker_info()
        # For single numbers, a memory view takes a third of the time that an array does.
        row = self._counts.array[0 if worker is None else 1 + worker.id % (ROWS - 1)].data
        for name, count in counts:
            if count:
                row[self._index[name]] += count

    def totals(self) -> dict[str, int]:
        """The counts of all processes so far."""
        return dict(zip(self._index, self._counts.array.sum(axis=0).tolist(), strict=True))
