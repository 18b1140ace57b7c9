"""Past generators that go on placing parts, so that what they taught is not forgotten (TeachAugment's replay)."""

from __future__ import annotations

from collections import deque
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

Weights = dict[str, Tensor]


class GeneratorReplay:
    """A ring of the weights of past generators.

    Args:
        length: How many are kept; the oldest goes first.
    """

    def __init__(self, length: int) -> None:
        self._ring: deque[Weights] = deque(maxlen=length)

    def __len__(self) -> int:
        return len(self._ring)

    def keep(self, generator: nn.Module) -> None:
        """Keep a copy of its weights."""
        self._ring.append({name: tensor.detach().clone() for name, tensor in generator.state_dict().items()})

    @torch.no_grad()
    def predict(self, generator: nn.Module, images: Tensor, rng: torch.Generator) -> Tensor:
        """What a random one of them predicts; as ``generator(images)``."""
        index = int(torch.randint(len(self._ring), (), generator=rng))
        # After a resume they are where the file was read to.
        self._ring[index] = {name: tensor.to(images.device) for name, tensor in self._ring[index].items()}
        return functional_call(generator, self._ring[index], (images,))

    def state_dict(self) -> list[Weights]:
        """The kept weights, oldest first."""
        return list(self._ring)

    def load_state_dict(self, state: list[dict[str, Any]]) -> None:
        """Take over kept weights."""
        self._ring.clear()
        self._ring.extend(state)
