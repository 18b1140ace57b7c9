"""Adversarial augmentation in a plain PyTorch loop, with figures of what the generator does.

python examples/asda_loop/asda_loop.py --out /tmp/asda                            synthetic people, a pool of them
python examples/asda_loop/asda_loop.py --lspet ../shared/data/pose/lspet --pool pool.h5 --out /tmp/asda
"""

from __future__ import annotations

import argparse
import csv
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import torch
from people import MEAN, STD, People, PoseNetwork, block, lspet, open_pool, per_sample, synthetic
from pictures import draw_curves, draw_grid, place, place_at_random
from torch import nn
from torch.optim.lr_scheduler import OneCycleLR
from torch.utils.data import DataLoader, Subset

from asda_aug import AdversarialAugmenter, ASDADataset, Generator, JointPlacer, RandomPlacer, compose

FIELDS = ("step", "loss", "advantage", "tx", "ty", "saturated", "off_frame", "covered_joints")
LARGE = ("upper-body", "upper-body-with-head", "lower-body", "head", "left-arm", "right-arm")
"""Classes whose parts hide something in so small a crop."""
PLAIN = 0.7
"""Share of samples that stay as they are before the generator acts."""


def main() -> None:
    """Train both players, and write what happened."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder for the generator, figures and logs")
    parser.add_argument("--pool", type=Path, help="pool file; none is a pool of synthetic people")
    parser.add_argument("--lspet", type=Path, help="folder of Leeds Sports Pose Extended; none is synthetic people")
    parser.add_argument("--people", type=int, default=700)
    parser.add_argument("--steps", type=int, default=540)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--look-every", type=int, default=25, help="steps between two looks at the generator")
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--mode", choices=("one-pass", "alternate"), default="one-pass")
    parser.add_argument("--preset", choices=("guarded", "paper"), default="guarded")
    parser.add_argument("--anchor", choices=("image", "joint"), default="image", help="what placements are relative to")
    parser.add_argument("--warmup", type=int, default=100, help="steps until placements are the generator's")
    parser.add_argument(
        "--sda-steps", type=int, default=240, help="steps before the generator acts; some people get parts at random"
    )
    parser.add_argument("--first-lr", type=float, default=4e-3, help="peak of the pose network's rate until then")
    parser.add_argument("--lr", type=float, default=2e-5, help="and after")
    parser.add_argument("--generator-lr", type=float, default=1e-3)
    parser.add_argument("--parts", type=int, default=2, help="parts per person")
    parser.add_argument("--classes", nargs="+", default=LARGE, help="classes of parts that are drawn")
    parser.add_argument("--trunk", choices=("small", "resnet18"), default="small", help="the generator's")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    data = synthetic(options.people) if options.lspet is None else lspet(options.lspet, options.people)
    pool = open_pool(options.pool, options.out)
    placer = JointPlacer() if options.anchor == "joint" else RandomPlacer()
    wrapped = ASDADataset(
        data, pool, defer=True, placer=placer, classes=options.classes, num_parts=options.parts, min_parts=1,
        mean=MEAN, std=STD, skeleton=data.skeleton, seed=0,
    )  # fmt: skip
    history = train(options, data, wrapped, pool.classes)
    with (options.out / "history.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, FIELDS)
        writer.writeheader()
        writer.writerows(history)
    draw_curves(history, options.sda_steps, options.out / "curves.png")


def train(options: argparse.Namespace, data: People, wrapped: ASDADataset, classes: Any) -> list[dict[str, float]]:
    """The loop; returns what was seen at each look."""
    held_out = min(64, len(data) // 8)
    loader = DataLoader(
        Subset(wrapped, range(held_out, len(data))), options.batch, shuffle=True, drop_last=True,
        num_workers=options.workers, persistent_workers=options.workers > 0,
    )  # fmt: skip
    batches = chain.from_iterable(repeat(loader))
    watched = next(iter(DataLoader(Subset(wrapped, range(held_out)), held_out)))
    trunk = nn.Sequential(block(3, 16, 2), block(16, 32, 2), block(32, 64, 2), block(64, 64))
    generator = Generator(
        classes, input_size="full", mean=MEAN, std=STD, backbone=trunk if options.trunk == "small" else None
    )
    network = PoseNetwork(data.joints)
    optimizer = torch.optim.Adam(network.parameters(), options.lr)
    first = OneCycleLR(optimizer, options.first_lr, total_steps=max(1, options.sda_steps))
    guards = {"warmup": options.warmup, "every": 1} if options.preset == "guarded" else {}
    asda = AdversarialAugmenter(
        generator,
        lr=options.generator_lr,
        mode=options.mode,
        preset=options.preset,
        discriminator=network,
        seed=0,
        **guards,
    )
    log, history = Log(options.out), []
    for step in range(options.steps):
        batch = next(batches)
        # A network that does not see the joints yet has nothing to teach the generator.
        alone = step < options.sda_steps
        if step == options.sda_steps:
            optimizer.param_groups[0]["lr"] = options.lr
        # Then its BatchNorm holds still: statistics that follow the parts hide them from the generator.
        network.train(alone)
        images, parts = batch["image"], batch["asda"]
        if alone:
            some = parts._replace(valid=parts.valid & (torch.rand(len(images), 1) >= PLAIN))
            pasted = compose(images, some, place_at_random(parts, step))[0]
        else:
            pasted = asda(images, parts)
        losses = per_sample(network(pasted), batch)
        if not alone:
            asda.observe(losses)
        optimizer.zero_grad()
        losses.mean().backward()
        optimizer.step()
        if alone:
            first.step()
        else:
            asda.step(lambda images, batch=batch: per_sample(network(images), batch).mean())
        if (step + 1) % options.look_every == 0 or step + 1 == options.steps:
            seen = look(network, generator, watched)
            stats = asda.stats
            seen |= {"step": step + 1, "loss": losses.mean().item()}
            seen |= {name: stats[name] for name in ("saturated", "off_frame", "covered_joints")}
            history.append(seen)
            log.write(seen, stats)
            print("  ".join(f"{name} {seen[name]:.3g}" for name in FIELDS), flush=True)
    grid = draw_grid(watched, generator, options.out / "grid.png")
    log.picture(grid, options.steps)
    generator.save(options.out / "gen.safetensors")
    torch.save(asda.state_dict(), options.out / "asda.pt")
    return history


@torch.no_grad()
def look(network: PoseNetwork, generator: Generator, batch: dict[str, Any]) -> dict[str, float]:
    """How much more parts cost where the generator puts them than where they lie at random, on people held out.

    The same parts in the same sizes; and how far from the middle the generator puts them.
    """
    network.eval()
    generator.eval()
    images, parts = batch["image"], batch["asda"]
    placed = place(generator, images, parts)
    costs = [
        per_sample(network(compose(images, parts, theta)[0]), batch).mean()
        for theta in (placed, *(place_at_random(parts, seed) for seed in range(4)))
    ]
    generator.train()
    shift = placed[..., 2:].abs().mean(dim=(0, 1))
    advantage = costs[0] / torch.stack(costs[1:]).mean() - 1
    return {"advantage": advantage.item(), "tx": shift[0].item(), "ty": shift[1].item()}


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
