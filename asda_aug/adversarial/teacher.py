"""A slow copy of the pose network: what it cannot read either is not worth a reward (TeachAugment's teacher)."""

from __future__ import annotations

from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

DECAY = 0.999


class Teacher(AveragedModel):
    """A moving average of a network's weights and statistics, in eval mode and without gradients.

    Args:
        network: The network; what wraps it for distributed training or compilation is taken off.
    """

    def __init__(self, network: nn.Module) -> None:
        average = get_ema_multi_avg_fn(DECAY)  # type: ignore[no-untyped-call]
        super().__init__(_unwrapped(network), multi_avg_fn=average, use_buffers=True)
        self.eval().requires_grad_(False)

    def follow(self, network: nn.Module) -> None:
        """Move towards the network as it is now."""
        self.update_parameters(_unwrapped(network))


def _unwrapped(network: nn.Module) -> nn.Module:
    """The network itself; a distributed or compiled one cannot be copied."""
    for name in ("module", "_orig_mod"):
        network = getattr(network, name, network)
    return network
