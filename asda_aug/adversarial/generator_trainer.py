"""Updating the generator, whoever has made its gradient."""

from __future__ import annotations

import torch
from torch import Tensor, distributed, nn
from torch.amp import GradScaler
from torch.nn.parallel import DistributedDataParallel
from torch.optim import Optimizer


class GeneratorTrainer:
    """Steps of the generator's optimiser, with its gradient kept short.

    Args:
        generator: The generator.
        clip: Largest norm of its gradient; None is no limit.
    """

    def __init__(self, generator: nn.Module, clip: float | None) -> None:
        self._generator, self._clip = generator, clip
        self._scaler: GradScaler | None = None

    def network_on(self, device: torch.device) -> nn.Module:
        """The generator on a device, wrapped for distributed training if that is on."""
        self._generator.to(device)
        return DistributedDataParallel(self._generator) if is_distributed() else self._generator

    def step(self, optimizer: Optimizer, scaler: GradScaler | None) -> None:
        """Follow the gradient that is there and clear it; an inf in it skips the step if a scaler looks for it.

        Raises:
            RuntimeError: If there is no gradient.
        """
        if all(weight.grad is None for weight in self._generator.parameters()):
            raise RuntimeError("asda.step() found no gradient: call loss.backward() before it")
        if scaler is not None:
            scaler.unscale_(optimizer)
        if self._clip is not None:
            nn.utils.clip_grad_norm_(self._generator.parameters(), self._clip)
        if scaler is None:
            optimizer.step()
        else:
            scaler.step(optimizer)
        optimizer.zero_grad()

    def backward_and_step(self, loss: Tensor, optimizer: Optimizer, scaler: GradScaler | None) -> None:
        """A backward pass of the generator's own, scaled where the loop's is.

        Args:
            loss: Whose gradient to follow.
            optimizer: The generator's.
            scaler: The loop's scaler. It may step an optimiser only once between two updates, so one like it is used.
        """
        if scaler is None:
            loss.backward()  # type: ignore[no-untyped-call]
            self.step(optimizer, None)
            return
        if self._scaler is None:
            self._scaler = GradScaler(loss.device.type, init_scale=scaler.get_scale(), enabled=scaler.is_enabled())
        self._scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        self.step(optimizer, self._scaler)
        self._scaler.update()


def is_distributed() -> bool:
    """Whether this process is one of several that train together."""
    return distributed.is_available() and distributed.is_initialized()
