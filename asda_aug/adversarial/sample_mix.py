"""Which samples of a batch stay clean, are pasted at random, or are the generator's."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from asda_aug.adversarial.guards import Guards

CLEAN, RANDOM, GENERATED = range(3)
KINDS = ("clean", "random", "generated")
RANDOM_RANGES = (math.pi / 6, 0.5, 0.5)
"""Largest r, tx and ty of a random placement (``RandomPlacer``)."""


class Mix(NamedTuple):
    """What was drawn for a batch.

    Attributes:
        kind: CLEAN, RANDOM or GENERATED, int64 [B].
        random: Random r, tx, ty, float32 [B, N, 3].
        replayed: Which generated samples a past generator places, bool [B].
    """

    kind: Tensor
    random: Tensor
    replayed: Tensor


def draw_mix(guards: Guards, shape: tuple[int, int], rng: torch.Generator) -> Mix:
    """Draw for B samples of N parts. All numbers come from ``rng``, on the CPU."""
    chance = torch.rand(shape[0], generator=rng)
    kind = (chance >= guards.clean).long() + (chance >= guards.clean + guards.random).long()
    placed = (2 * torch.rand(*shape, 3, generator=rng) - 1) * torch.tensor(RANDOM_RANGES)
    replayed = torch.rand(shape[0], generator=rng) < guards.replay_share
    return Mix(kind, placed, replayed)


def mix_to(mix: Mix, device: torch.device) -> Mix:
    """The same on a device."""
    return Mix(*(tensor.to(device, non_blocking=True) for tensor in mix))


def placements(mix: Mix, predicted: Tensor, past: Tensor | None, strength: float) -> Tensor:
    """Where the parts of a batch go: r, tx, ty, [B, N, 3]; the generator's where a sample is its, else random ones.

    Args:
        mix: What was drawn for the batch.
        predicted: What the generator says, [B, N, 3].
        past: What a past generator says; None if there is none.
        strength: How far the generator's placements are its own rather than random, 0 to 1.
    """
    random = mix.random.to(predicted.dtype)
    placed = predicted if past is None else torch.where(mix.replayed[:, None, None], past, predicted)
    if strength < 1:
        placed = torch.lerp(random, placed, strength)
    return torch.where((mix.kind == GENERATED)[:, None, None], placed, random)
