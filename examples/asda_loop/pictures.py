"""Figures of a training: what the generator does to people, and what it gains by that."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from people import MEAN, STD
from PIL import Image, ImageDraw
from torch import Tensor

from asda_aug import Generator, PartBatch, compose

COLUMNS, GAP, LABEL = 10, 4, 90


def place(generator: Generator, images: Tensor, parts: PartBatch) -> Tensor:
    """θ of every part where the generator puts it, [B, N, 4]."""
    index = parts.class_id[..., None].expand(-1, -1, 3)
    return torch.cat([parts.scale[..., None], generator(images).gather(1, index)], dim=-1)


def place_at_random(parts: PartBatch, seed: int) -> Tensor:
    """θ of every part with a random rotation and shift, as ``RandomPlacer`` draws them, [B, N, 4]."""
    drawn = 2 * torch.rand(*parts.scale.shape, 3, generator=torch.Generator().manual_seed(seed)) - 1
    return torch.cat([parts.scale[..., None], drawn * torch.tensor([torch.pi / 6, 0.5, 0.5])], dim=-1)


@torch.no_grad()
def draw_grid(batch: dict[str, Any], generator: Generator, path: Path) -> NDArray[np.uint8]:
    """People as they are, with parts at random, and with the same parts where the generator puts them."""
    images, parts = batch["image"][:COLUMNS], PartBatch(*(each[:COLUMNS] for each in batch["asda"]))
    generator.eval()
    theta = place(generator, images, parts)
    rows = {
        "as it is": images,
        "random": compose(images, parts, place_at_random(parts, 0))[0],
        "generator": compose(images, parts, theta)[0],
    }
    height, width = images.shape[2:]
    sheet = Image.new("RGB", (LABEL + len(images) * (width + GAP), len(rows) * (height + GAP)), "white")
    pen = ImageDraw.Draw(sheet)
    for row, (name, pictures) in enumerate(rows.items()):
        top = row * (height + GAP)
        pen.text((6, top + height // 2), name, fill="black")
        for column, pixels in enumerate(as_pixels(pictures)):
            sheet.paste(Image.fromarray(pixels), (LABEL + column * (width + GAP), top))
            if row:
                mark_joints(pen, batch["keypoints"][column], (LABEL + column * (width + GAP), top))
    sheet.save(path)
    return np.asarray(sheet)


def as_pixels(images: Tensor) -> NDArray[np.uint8]:
    """Normalised images as uint8 [B, H, W, 3]."""
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (MEAN, STD))
    return ((images * std + mean).clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).numpy()


def mark_joints(pen: ImageDraw.ImageDraw, keypoints: Tensor, corner: tuple[int, int]) -> None:
    """A dot at each labelled joint."""
    for x, y, labelled in keypoints.tolist():
        if labelled:
            x, y = x + corner[0], y + corner[1]
            pen.ellipse((x - 1.5, y - 1.5, x + 1.5, y + 1.5), fill=(70, 205, 90))


def draw_curves(history: Sequence[dict[str, float]], path: Path) -> None:
    """Losses, advantage over random places and distance from the middle by step, where Matplotlib is installed."""
    try:
        import matplotlib

        matplotlib.use("Agg")
        from matplotlib import pyplot
    except ImportError:
        return
    steps, advantage, error = (np.array([each[name] for each in history]) for name in ("step", "advantage", "error"))
    figure, axes = pyplot.subplots(1, 3, figsize=(10, 3))
    for name, label in (("generated", "generator"), ("random", "random"), ("clean", "no part")):
        axes[0].plot(steps, [each[name] for each in history], marker=".", label=label)
    axes[0].set_title("loss on people held out", pad=18)
    axes[1].plot(steps, 100 * advantage, marker=".")
    axes[1].fill_between(steps, 100 * (advantage - error), 100 * (advantage + error), alpha=0.2)
    axes[1].set(title="generator over random, %\n(± standard error over people)")
    axes[1].axhline(0, color="gray", linewidth=0.8)
    for name in ("tx", "ty"):
        axes[2].plot(steps, [each[name] for each in history], marker=".", label=f"mean |{name}|")
    axes[2].set(title="shift from the middle,\nhalf sizes of the frame")
    for axis in axes:
        axis.set(xlabel="step of both players")
    axes[0].legend(fontsize="small", ncol=3, loc="lower center", bbox_to_anchor=(0.5, 0.98), frameon=False)
    axes[2].legend()
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
