"""Gradient reversal between the two players: one backward pass of the pose network serves both (ASDA eqs 4, 5)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class Gate:
    """What each sample pays the generator, looked up when the gradient arrives.

    Attributes:
        reward: [B]; 1 passes the reversed gradient on, 0 stops it, −1 turns it round. May be changed until
            ``backward()``.
    """

    def __init__(self, reward: Tensor) -> None:
        self.reward = reward


class _Reverse(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, theta: Tensor, gate: Gate) -> Tensor:
        ctx.gate = gate
        return theta.view_as(theta)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        gradient = gradients[0]
        reward = ctx.gate.reward.to(gradient.dtype)
        return -gradient * reward.view(-1, *[1] * (gradient.ndim - 1)), None


class _Attach(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, images: Tensor, source: Tensor) -> Tensor:
        ctx.source = source.shape, source.dtype, source.device
        return images.view_as(images)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor]:
        shape, dtype, device = ctx.source
        return gradients[0], torch.zeros(shape, dtype=dtype, device=device)


def reverse(theta: Tensor, gate: Gate) -> Tensor:
    """θ [B, …] itself, whose gradient comes back negated and times ``gate.reward``."""
    return _Reverse.apply(theta, gate)  # type: ignore[no-untyped-call]


def attach(images: Tensor, source: Tensor) -> Tensor:
    """The images themselves, in whose graph ``source`` is, with a gradient of zero if it has no other part in them.

    So every backward pass reaches the generator, also when no part was pasted: gradients exist, and no rank of a
    distributed training waits for another.
    """
    return _Attach.apply(images, source)  # type: ignore[no-untyped-call]
