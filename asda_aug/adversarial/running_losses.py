"""Running means of observed losses: what a clean, a randomly pasted and a generated sample cost on average."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from asda_aug.adversarial.sample_mix import KINDS, RANDOM


class RunningLosses:
    """Means by kind of sample, of which older batches count less and less.

    Args:
        decay: What is left of a sample's weight after another batch.
    """

    def __init__(self, decay: float = 0.98) -> None:
        self.decay = decay
        self._sum = torch.zeros(len(KINDS), dtype=torch.float64)
        self._count = torch.zeros(len(KINDS), dtype=torch.float64)

    def update(self, loss: Tensor, kind: Tensor) -> None:
        """Take in the losses of a batch, [B], and the kind of each sample, [B]. What is not finite counts nothing."""
        self._sum, self._count = self._sum.to(loss.device), self._count.to(loss.device)
        finite = loss.isfinite()
        each = torch.nn.functional.one_hot(kind, len(KINDS)).double() * finite[:, None]
        self._sum = self.decay * self._sum + each.T @ torch.where(finite, loss, 0.0).double()
        self._count = self.decay * self._count + each.sum(dim=0)

    @property
    def means(self) -> Tensor:
        """Mean loss of clean, random and generated samples, float64 [3]; NaN where there were none."""
        return self._sum / self._count

    def by_kind(self) -> dict[str, float]:
        """The means by name of the kind."""
        return dict(zip(KINDS, self.means.tolist(), strict=True))

    @property
    def advantage(self) -> float:
        """By how much generated samples cost more than random ones, relatively; NaN while that is unknown."""
        _, random, generated = self.means.tolist()
        return generated / random - 1 if random else math.nan

    def readable(self, loss: Tensor, cap: float) -> Tensor:
        """Which losses are at most ``cap`` times that of random samples, bool [B]; all, while that is unknown."""
        limit = cap * self.means[RANDOM]
        return ~(loss > limit)

    def state_dict(self) -> dict[str, Tensor]:
        """The sums and counts."""
        return {"sum": self._sum.cpu(), "count": self._count.cpu()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Take over sums and counts."""
        self._sum, self._count = state["sum"].clone(), state["count"].clone()
