"""Adversarial augmentation in several processes.

torchrun --nproc-per-node 2 examples/ddp/train.py --out /tmp/asda              gloo on CPUs, NCCL on GPUs
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import torch
from torch import distributed
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler

sys.path.append(str(Path(__file__).parents[1] / "asda_loop"))
from people import MEAN, STD, PoseNetwork, classes_in, open_pool, per_sample, synthetic

from asda_aug import AdversarialAugmenter, ASDADataset, Generator


def main() -> None:
    """Train on synthetic people; rank 0 writes the generator."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--pool", type=Path, help="pool file; none is a pool of synthetic people")
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--epochs", type=int, default=5)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    gpu = torch.cuda.is_available()
    distributed.init_process_group("nccl" if gpu else "gloo")
    rank = distributed.get_rank()
    device = torch.device("cuda", int(os.environ["LOCAL_RANK"])) if gpu else torch.device("cpu")
    torch.manual_seed(0)
    if rank == 0:
        open_pool(options.pool, options.out)
    distributed.barrier()
    data, pool = synthetic(options.people), open_pool(options.pool, options.out)
    wrapped = ASDADataset(
        data, pool, defer=True, mean=MEAN, std=STD, skeleton=data.skeleton, seed=0,
        classes=classes_in(pool), min_parts=1,
    )  # fmt: skip
    sampler = DistributedSampler(wrapped, shuffle=True, drop_last=True)
    loader = DataLoader(wrapped, 8, sampler=sampler, drop_last=True)
    network = DistributedDataParallel(PoseNetwork(data.joints).to(device))
    optimizer = torch.optim.Adam(network.parameters(), 1e-3)
    # The augmenter sees the process group and wraps the generator by itself.
    asda = AdversarialAugmenter(Generator(pool.classes, mean=MEAN, std=STD), seed=0)
    for epoch in range(options.epochs):
        sampler.set_epoch(epoch)
        wrapped.set_epoch(epoch)
        for batch in loader:
            batch |= {name: batch[name].to(device) for name in ("image", "keypoints", "target")}
            losses = per_sample(network(asda(batch["image"], batch["asda"])), batch)
            asda.observe(losses)
            optimizer.zero_grad()
            losses.mean().backward()
            optimizer.step()
            asda.step()
    if rank == 0:
        asda.generator.save(options.out / "gen.safetensors")
        print(f"{asda.steps} steps on {distributed.get_world_size()} ranks, loss {losses.mean():.4f}")
    distributed.destroy_process_group()


if __name__ == "__main__":
    main()
