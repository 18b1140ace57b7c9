"""Which part, not only where: a bandit over part classes, paid by the loss that each has caused (beyond the paper)."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from asda_aug.adversarial.generator import Classes, class_names
from partpool.errors import ConfigError


class ClassAdversary:
    """EXP3.S (Auer et al. 2002): draws more of the classes that raise the loss, and follows when that changes.

    Pass it to the sampler as ``class_weights`` and to ``AdversarialAugmenter`` as ``class_adversary``. Its
    probabilities live in shared memory: workers of any kind see them at their next draw. A class's reward is how its
    samples' loss compares to the running mean, between −½ and ½; it is divided by the class's probability, so that rare
    classes are not judged by how rarely they come.

    Args:
        classes: The part classes, or their names (``pool.classes``).
        rate: Step of the log weights.
        floor: Share of draws that stays uniform, so that no class is forgotten.
        share: Share of the weights that is spread anew with every batch, so that old merits fade.

    Attributes:
        classes: Names of the part classes.

    Raises:
        ConfigError: If a number is out of range.
    """

    def __init__(self, classes: Classes, *, rate: float = 0.1, floor: float = 0.3, share: float = 0.001) -> None:
        for name, value in (("rate", rate), ("floor", floor), ("share", share)):
            if not 0 < value <= 1:
                raise ConfigError(f"{name} must lie in (0, 1], but got {value}")
        self.classes = class_names(classes)
        self.rate, self.floor, self.share = rate, floor, share
        self._probabilities = torch.full((len(self.classes),), 1 / len(self.classes), dtype=torch.float64)
        self._probabilities.share_memory_()  # type: ignore[no-untyped-call]
        self._log_weights = np.zeros(len(self.classes))
        self._mean: float | None = None

    def probabilities(self) -> NDArray[np.float64]:
        """How likely each class is drawn, float64 [n_classes]; sums to 1."""
        return self._probabilities.numpy().copy()

    def update(self, class_id: Tensor, loss: Tensor) -> None:
        """Learn from samples: the class of a part that was pasted [n], and the loss of its sample [n]."""
        ids, losses = class_id.cpu().numpy(), loss.detach().double().cpu().numpy()
        finite = np.isfinite(losses)
        ids, losses = ids[finite], losses[finite]
        if not len(ids):
            return
        mean = float(losses.mean())
        self._mean = mean if self._mean is None else 0.95 * self._mean + 0.05 * mean
        # Against a baseline of ½, so that what is drawn often is not paid for that.
        rewards = losses / (losses + self._mean) - 0.5 if self._mean > 0 else np.zeros(len(losses))
        probabilities = self.probabilities()
        gains = np.bincount(ids, rewards / probabilities[ids], len(self.classes)) / len(ids)
        self._log_weights += self.rate * gains
        self._log_weights -= self._log_weights.max()
        weights = np.exp(self._log_weights)
        weights += self.share * weights.mean()
        self._log_weights = np.log(weights)
        self._publish(weights)

    def state_dict(self) -> dict[str, Any]:
        """Weights and running mean."""
        return {"log_weights": self._log_weights.tolist(), "mean": self._mean}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over weights and running mean.

        Raises:
            ConfigError: If they are for another number of classes.
        """
        if len(state["log_weights"]) != len(self.classes):
            raise ConfigError(f"the state is for {len(state['log_weights'])} classes, not {len(self.classes)}")
        self._log_weights, self._mean = np.array(state["log_weights"]), state["mean"]
        self._publish(np.exp(self._log_weights))

    def _publish(self, weights: NDArray[np.float64]) -> None:
        drawn = (1 - self.floor) * weights / weights.sum() + self.floor / len(weights)
        self._probabilities.copy_(torch.from_numpy(drawn))
