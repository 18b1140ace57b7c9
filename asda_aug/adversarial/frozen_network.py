"""Running the pose network without leaving a trace in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel


@contextmanager
def frozen(network: nn.Module) -> Iterator[None]:
    """Inside, parameters get no gradient; after it, buffers (BatchNorm statistics) are what they were before.

    Modules stay in the mode they are in: BatchNorm in train mode still normalises by the batch, as the paper's second
    pass does. A distributed network does not wait for gradients that never come.
    """
    learning = [parameter for parameter in network.parameters() if parameter.requires_grad]
    buffers = [(buffer, buffer.detach().clone()) for buffer in network.buffers()]
    with ExitStack() as stack:
        if isinstance(network, DistributedDataParallel):
            stack.enter_context(network.no_sync())
        try:
            for parameter in learning:
                parameter.requires_grad_(False)
            yield
        finally:
            for parameter in learning:
                parameter.requires_grad_(True)
            with torch.no_grad():
                for buffer, before in buffers:
                    buffer.copy_(before)
