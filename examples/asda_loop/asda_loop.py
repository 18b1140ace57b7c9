"""Adversarial augmentation in a plain PyTorch loop, with figures of what the generator does.

python examples/asda_loop/asda_loop.py --out /tmp/asda                            synthetic people, a pool of them
python examples/asda_loop/asda_loop.py --lspet LSPET --pool pool.h5 --out /tmp/asda
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from copy import deepcopy
from functools import partial
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import torch
from people import MEAN, STD, People, PoseNetwork, lspet, open_pool, per_sample, synthetic
from pictures import draw_curves, draw_grid, place, place_at_random
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR, OneCycleLR
from torch.utils.data import DataLoader

from asda_aug import AdversarialAugmenter, ASDADataset, Generator, JointPlacer, RandomPlacer, compose

FIELDS = (
    "step", "loss", "clean", "random", "generated", "advantage", "error", "tx", "ty", "saturated", "off_frame",
    "covered_joints",
)  # fmt: skip
LARGE = ("upper-body", "upper-body-with-head")
"""Classes whose parts hide something in so small a crop."""
SCALES = (1.0, 1.6)
"""How much larger than life."""
LOOKS = 8
"""Random places that a part is tried at."""


def main() -> None:
    """Train the pose network, then both players, and write what happened."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder for the generator, figures and logs")
    parser.add_argument("--pool", type=Path, help="pool file; none is a pool of synthetic people")
    parser.add_argument("--lspet", type=Path, help="folder of Leeds Sports Pose Extended; none is synthetic people")
    parser.add_argument("--people", type=int, default=1000, help="number of synthetic people")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--batch", type=int, default=24)
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--plain-steps", type=int, default=2500, help="steps of the pose network without any part")
    parser.add_argument("--plain-lr", type=float, default=4e-3, help="peak of its learning rate in them")
    parser.add_argument("--steps", type=int, default=900, help="steps of both players")
    parser.add_argument("--lr", type=float, default=2e-5, help="learning rate of the pose network in them")
    parser.add_argument("--generator-lr", type=float, default=5e-4, help="that of the generator at first; it ends at 0")
    parser.add_argument("--warmup", type=int, default=400, help="steps until placements are the generator's alone")
    parser.add_argument("--look-every", type=int, default=75, help="steps between two looks at the generator")
    parser.add_argument("--mode", choices=("one-pass", "alternate"), default="one-pass")
    parser.add_argument("--preset", choices=("guarded", "paper"), default="guarded")
    parser.add_argument("--anchor", choices=("image", "joint"), default="image", help="what placements are relative to")
    parser.add_argument("--classes", nargs="+", default=LARGE, help="classes of parts that are drawn")
    parser.add_argument("--trunk", choices=("pose", "resnet18"), default="pose", help="the generator's")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(options.seed)
    people = synthetic(options.people) if options.lspet is None else lspet(options.lspet)
    held_out, people = people.split(len(people) // 8)
    network = PoseNetwork(people.joints)
    learn_alone(options, network, people)
    history = play(options, network, people, held_out)
    with (options.out / "history.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, FIELDS)
        writer.writeheader()
        writer.writerows(history)
    draw_curves(history, options.out / "curves.png")


def learn_alone(options: argparse.Namespace, network: PoseNetwork, people: People) -> None:
    """Train the pose network as usual: one that does not see the joints has nothing to teach the generator."""
    optimizer = torch.optim.Adam(network.parameters())
    schedule = OneCycleLR(optimizer, options.plain_lr, total_steps=options.plain_steps)
    for step, batch in zip(range(options.plain_steps), endless(people, options), strict=False):
        loss = per_sample(network(batch["image"]), batch).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if (step + 1) % 500 == 0:
            print(f"alone: step {step + 1}  loss {loss.item():.3g}", flush=True)


def play(options: argparse.Namespace, network: PoseNetwork, people: People, held_out: People) -> list[dict[str, float]]:
    """Train both players; returns what was seen at each look."""
    pool = open_pool(options.pool, options.out)
    placer = JointPlacer(s=SCALES) if options.anchor == "joint" else RandomPlacer(s=SCALES)
    with_parts = partial(
        ASDADataset, pool=pool, defer=True, placer=placer, classes=options.classes, min_parts=1,
        mean=MEAN, std=STD, skeleton=people.skeleton, seed=options.seed,
    )  # fmt: skip
    watched = next(iter(DataLoader(with_parts(held_out), len(held_out))))
    # It starts with the pose network's eyes, for want of ImageNet's.
    trunk = None if options.trunk == "resnet18" else deepcopy(nn.Sequential(network.stem, *network.down))
    generator = Generator(pool.classes, input_size="full", mean=MEAN, std=STD, backbone=trunk)
    optimizer = torch.optim.Adam(network.parameters(), options.lr)
    guards = {"warmup": options.warmup, "every": 1} if options.preset == "guarded" else {}
    asda = AdversarialAugmenter(
        generator, lr=options.generator_lr, mode=options.mode, preset=options.preset, discriminator=network,
        seed=options.seed, **guards,
    )  # fmt: skip
    schedule = CosineAnnealingLR(asda.optimizer, options.steps)
    # BatchNorm holds still: statistics that follow the parts hide them from the generator.
    network.eval()
    log = Log(options.out)
    history = [{"step": 0} | look(network, generator, watched)]
    for step, batch in zip(range(1, options.steps + 1), endless(with_parts(people), options), strict=False):
        losses = per_sample(network(asda(batch["image"], batch["asda"])), batch)
        asda.observe(losses)
        optimizer.zero_grad()
        losses.mean().backward()
        optimizer.step()
        asda.step(lambda images, batch=batch: per_sample(network(images), batch).mean())
        schedule.step()
        if step % options.look_every == 0 or step == options.steps:
            stats = asda.stats
            seen = look(network, generator, watched) | {"step": step, "loss": losses.mean().item()}
            seen |= {name: stats[name] for name in ("saturated", "off_frame", "covered_joints")}
            history.append(seen)
            log.write(seen, stats)
            print("  ".join(f"{name} {seen[name]:.3g}" for name in FIELDS), flush=True)
    grid = draw_grid(watched, generator, options.out / "grid.png")
    log.picture(grid, options.steps)
    generator.save(options.out / "gen.safetensors")
    torch.save(asda.state_dict(), options.out / "asda.pt")
    return history


def endless(data: Any, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Batches of one epoch after another."""
    loader = DataLoader(
        data, options.batch, shuffle=True, drop_last=True,
        num_workers=options.workers, persistent_workers=options.workers > 0,
    )  # fmt: skip
    return chain.from_iterable(repeat(loader))


@torch.no_grad()
def look(network: PoseNetwork, generator: Generator, batch: dict[str, Any]) -> dict[str, float]:
    """What parts cost people held out: the same parts, in the same sizes, at random and where the generator puts them.

    Returns:
        Mean losses ``clean``, ``random`` and ``generated``; ``advantage``, by how much the last is more than that
        before, relatively, and its standard ``error`` over people; and how far from the middle the generator puts them.
    """
    generator.eval()
    images, parts = batch["image"], batch["asda"]
    placed = place(generator, images, parts)
    generator.train()
    clean = per_sample(network(images), batch)
    generated, *at_random = (
        per_sample(network(compose(images, parts, theta)[0]), batch)
        for theta in (placed, *(place_at_random(parts, seed) for seed in range(LOOKS)))
    )
    random = torch.stack(at_random).mean(dim=0)
    gain = (generated - random) / random.mean()
    shift = placed[..., 2:].abs().mean(dim=(0, 1))
    return {
        "clean": clean.mean().item(),
        "random": random.mean().item(),
        "generated": generated.mean().item(),
        "advantage": gain.mean().item(),
        "error": gain.std().item() / len(gain) ** 0.5,
        "tx": shift[0].item(),
        "ty": shift[1].item(),
    }


class Log:
    """TensorBoard, where it is installed."""

    def __init__(self, out: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            self._writer: Any = None
        else:
            self._writer = SummaryWriter(str(out / "tensorboard"))

    def write(self, seen: dict[str, float], stats: dict[str, Any]) -> None:
        """Scalars, and histograms of where each class of part is put."""
        if self._writer is None:
            return
        for name, value in seen.items():
            self._writer.add_scalar(f"asda/{name}", value, int(seen["step"]))
        for name, rows in stats["theta"].items():
            for axis, counts in rows.items():
                edges = torch.linspace(-1, 1, len(counts) + 1)
                middle = (edges[1:] + edges[:-1]) / 2
                values = middle.repeat_interleave(torch.tensor(counts).round().long())
                if len(values):
                    self._writer.add_histogram(f"{axis}/{name}", values, int(seen["step"]))

    def picture(self, picture: Any, step: int) -> None:
        """A grid of what the generator does."""
        if self._writer is not None:
            self._writer.add_image("asda/grid", picture, step, dataformats="HWC")
            self._writer.close()


if __name__ == "__main__":
    main()
