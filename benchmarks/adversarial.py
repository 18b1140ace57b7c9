"""Measure what adversarial augmentation costs, as ratios to a plain training step of the same run.

python -m benchmarks.adversarial                      ResNet-18 + 3 deconvolutions
python -m benchmarks.adversarial --network hrnet      HRNet-W32, which needs timm

What counts is CPU time in one thread, so that other programs on the machine do not. The reference's scheme is written
out below from its published code: two passes through both networks for every step, the generator at full resolution, a
grid for the picture and one for the mask.
"""

from __future__ import annotations

import argparse
import ctypes
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from asda_aug import AdversarialAugmenter, Generator, PartBatch, compose
from asda_aug.adversarial.resnet import ResNet18
from asda_aug.batch.tile_maps import tile_maps
from partpool import ASDA26

SHAPE, JOINTS = (256, 192), 17
TILE = 192
Step = Callable[[], None]


class PoseResNet18(nn.Module):
    """SimpleBaseline: a trunk, three deconvolutions, a heat map per joint."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = ResNet18()
        layers: list[nn.Module] = []
        for inputs in (512, 256, 256):
            layers += [nn.ConvTranspose2d(inputs, 256, 4, 2, 1, bias=False), nn.BatchNorm2d(256), nn.ReLU(inplace=True)]
        self.head = nn.Sequential(*layers, nn.Conv2d(256, JOINTS, 1))

    def forward(self, images: Tensor) -> Tensor:
        """Heat maps at a quarter of the resolution."""
        return self.head(self.trunk(images))


class PoseHRNet(nn.Module):
    """HRNet-W32's trunk at stride 4, a heat map per joint."""

    def __init__(self) -> None:
        super().__init__()
        import timm

        self.trunk = timm.create_model("hrnet_w32", features_only=True, feature_location="", out_indices=(1,))
        self.head = nn.LazyConv2d(JOINTS, 1)

    def forward(self, images: Tensor) -> Tensor:
        """Heat maps at a quarter of the resolution."""
        return self.head(self.trunk(images)[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", choices=("resnet18", "hrnet"), default="resnet18")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    network = PoseResNet18() if options.network == "resnet18" else PoseHRNet()
    images, parts, target = batch_of(options.batch)
    network(images)
    variants = steps_of(network, images, parts, target)
    for step in variants.values():
        step()
    times: dict[str, list[float]] = {name: [] for name in variants}
    peaks: dict[str, float] = {}
    for _ in range(options.rounds):
        for name, step in variants.items():
            started = reset_peak()
            # Two steps, because the guarded generator learns in every second one.
            times[name].append((seconds(step) + seconds(step)) / 2)
            peaks[name] = peak() - started
    plain = statistics.median(times["plain step"])
    print(f"{options.network}, batch {options.batch} at {SHAPE[0]} x {SHAPE[1]}, CPU time in one thread")
    print(f"plain step: {plain * 1e3:.0f} ms, {peaks['plain step']:.0f} MB above what was held before")
    for name, measured in times.items():
        ratios = [each / base for each, base in zip(measured, times["plain step"], strict=True)]
        memory = peaks[name] / max(1.0, peaks["plain step"])
        print(
            f"  {name:34} {statistics.median(ratios):6.3f} [{min(ratios):.3f} … {max(ratios):.3f}]  memory {memory:.2f}"
        )


def batch_of(batch: int) -> tuple[Tensor, PartBatch, Tensor]:
    """Random images, and parts whose sizes are those of the classes."""
    rng = np.random.default_rng(0)
    class_id = torch.from_numpy(rng.integers(0, len(ASDA26), (batch, 1)))
    width, height = 2 * rng.integers(15, 90, (2, batch))
    patch = torch.from_numpy(rng.integers(0, 256, (batch, 1, 4, TILE, TILE)).astype(np.uint8))
    patch[:, :, 3] = 0
    for tile, w, h in zip(patch, width.tolist(), height.tolist(), strict=True):
        tile[0, 3, (TILE - h) // 2 : (TILE + h) // 2, (TILE - w) // 2 : (TILE + w) // 2] = 255
    person = torch.tensor([0.1 * SHAPE[1], 0.1 * SHAPE[0], 0.9 * SHAPE[1], 0.9 * SHAPE[0]]).expand(batch, 4)
    diagonal = 0.8 * np.hypot(*SHAPE) * torch.tensor([part.size for part in ASDA26.classes])[class_id]
    half = torch.tensor([SHAPE[1] / 2, SHAPE[0] / 2])
    parts = PartBatch(
        patch=patch, size=torch.from_numpy(np.stack([width, height], axis=-1)).float()[:, None], class_id=class_id,
        diagonal=diagonal.float(), scale=torch.from_numpy(rng.uniform(0.7, 1.3, (batch, 1))).float(),
        frame=torch.cat([half, half]).expand(batch, 1, 4), valid=torch.ones(batch, 1, dtype=torch.bool),
        points=torch.from_numpy(rng.uniform(0.1, 0.9, (batch, JOINTS, 2)) * SHAPE[::-1]).float(),
        labelled=torch.ones(batch, JOINTS, dtype=torch.bool), person=person, mean=torch.zeros(batch, 3),
        std=torch.ones(batch, 3),
    )  # fmt: skip
    images = torch.from_numpy(rng.random((batch, 3, *SHAPE))).float()
    return images, parts, torch.rand(batch, JOINTS, SHAPE[0] // 4, SHAPE[1] // 4)


def steps_of(network: nn.Module, images: Tensor, parts: PartBatch, target: Tensor) -> dict[str, Step]:
    """What is timed, by name."""
    optimizer = torch.optim.Adam(network.parameters(), 1e-4)

    def learn(pasted: Tensor) -> Tensor:
        per_sample = (network(pasted) - target).square().mean(dim=(1, 2, 3))
        optimizer.zero_grad()
        per_sample.mean().backward()
        optimizer.step()
        return per_sample

    def augmented(**options: object) -> Step:
        asda = AdversarialAugmenter(Generator(ASDA26.classes), discriminator=network, **options)  # type: ignore[arg-type]

        def step() -> None:
            pasted = asda(images, parts)
            per_sample = (network(pasted) - target).square().mean(dim=(1, 2, 3))
            if asda.guards.max_loss is not None:
                teacher = None
                if asda.teacher is not None:
                    with torch.no_grad():
                        teacher = (asda.teacher(pasted) - target).square().mean(dim=(1, 2, 3))
                asda.observe(per_sample, teacher)
            optimizer.zero_grad()
            per_sample.mean().backward()
            optimizer.step()
            asda.step((lambda again: functional.mse_loss(network(again), target)) if asda.mode == "alternate" else None)

        return step

    theta = torch.cat([parts.scale[..., None], 0.3 * torch.randn(len(images), 1, 3)], dim=-1)
    moving = theta.clone().requires_grad_()
    slope = torch.randn_like(images)
    return {
        "plain step": lambda: void(learn(images)),
        "random paste (SDA)": lambda: void(learn(compose(images, parts, theta)[0])),
        "compose, forward + backward alone": lambda: compose(images, parts, moving)[0].backward(slope),
        "one-pass, paper preset": augmented(preset="paper"),
        "one-pass, guarded": augmented(preset="guarded"),
        "one-pass, guarded, teacher": augmented(preset="guarded", teacher=True),
        "alternate, paper preset": augmented(preset="paper", mode="alternate"),
        "the reference's scheme": reference_step(network, images, parts, target),
    }


def reference_step(network: nn.Module, images: Tensor, parts: PartBatch, target: Tensor) -> Step:
    """Both passes run both networks with all gradients."""
    generator = Generator(ASDA26.classes, input_size="full")
    optimizer, ascent = (torch.optim.Adam(each.parameters(), 1e-4) for each in (network, generator))
    tiles = parts.patch[:, 0].float()
    side = TILE / 2

    def loss_of() -> Tensor:
        placed = generator(images).gather(1, parts.class_id[..., None].expand(-1, -1, 3))
        inverse = tile_maps(parts, torch.cat([parts.scale[..., None], placed], dim=-1)).inverse[:, 0]
        # From pixels of the image to the tile, in normalised coordinates.
        half = images.new_tensor([SHAPE[1] / 2, SHAPE[0] / 2])
        shift = inverse[:, :, 2] + inverse[:, :, :2] @ half
        grid = functional.affine_grid(
            torch.cat([inverse[:, :, :2] * half, shift[..., None]], dim=-1) / side,
            list(images.shape),
            align_corners=False,
        )
        part = functional.grid_sample(tiles[:, :3] / 255, grid, align_corners=False)
        mask = functional.grid_sample(tiles[:, 3:] / 255, grid, align_corners=False)
        return functional.mse_loss(network(images * (1 - mask) + part * mask), target)

    def step() -> None:
        for player, sign in ((optimizer, 1), (ascent, -1)):
            optimizer.zero_grad()
            ascent.zero_grad()
            (sign * loss_of()).backward()
            player.step()

    return step


def void(_: object) -> None:
    """A step returns nothing."""


def seconds(step: Step) -> float:
    start = time.process_time()
    step()
    return time.process_time() - start


def reset_peak() -> float:
    """Forget the peak of resident memory; what is resident now, in MB, after what is free was given back."""
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    return status("VmRSS")


def peak() -> float:
    """The peak of resident memory since it was forgotten, in MB."""
    return status("VmHWM")


def status(name: str) -> float:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main()
