"""One rank of a distributed training: half of the batch, the gradients it ends with."""

from __future__ import annotations

import sys

import torch
from torch import distributed
from torch.nn import functional
from torch.nn.parallel import DistributedDataParallel

from asda_aug import AdversarialAugmenter
from players import gradients, small_batch, small_generator, small_pose_network, weights


def main(rank: int, store: str, out: str, mode: str) -> None:
    """Two steps; on rank 1 the second half of the batch, in the second step without any part."""
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2)
    # Ranks that start with different weights take those of rank 0.
    generator = small_generator(norm=False, seed=rank)
    network = DistributedDataParallel(small_pose_network(norm=False))
    asda = AdversarialAugmenter(generator, preset="paper", mode=mode, discriminator=network)
    optimizer = torch.optim.SGD(network.parameters(), 0.1)
    results = []
    for step in range(2):
        images, parts, target = small_batch(step)
        if step == 1:
            parts.valid[2:] = False
        half = slice(2 * rank, 2 * rank + 2)
        images, target, parts = images[half], target[half], type(parts)(*(each[half] for each in parts))
        loss = functional.mse_loss(network(asda(images, parts)), target)
        optimizer.zero_grad()
        loss.backward()
        results.append((gradients(generator), gradients(network.module)))
        optimizer.step()
        asda.step(lambda pasted, target=target: functional.mse_loss(network(pasted), target))
    torch.save((results, weights(generator), weights(network.module)), out)
    distributed.destroy_process_group()


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
