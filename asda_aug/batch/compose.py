"""Paste a batch of parts into a batch of images on their device, differentiably (ASDA eq. 3).

On an accelerator each layer of parts is drawn over whole images at once, and no number is read back from the device. On
a CPU each part is drawn alone, in the rectangle that it can cover.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import cv2
import torch
from torch import Tensor
from torch.nn import functional

from asda_aug.batch.checks import Colours, check_batch
from asda_aug.batch.part_batch import PartBatch
from asda_aug.batch.tile_maps import tile_maps
from asda_aug.batch.tile_pyramid import Atlas, level_for, make_atlas

MARGIN = 3
"""Cells of its halved tile around a part's box that are met by sampling its edge."""

Window = tuple[range, range]
"""Rows and columns of the images."""


class _Layer(NamedTuple):
    """One part of each of P samples, and where it goes.

    Attributes:
        tile: uint8 [P, 4, h, w], the part in the middle.
        gain: [P, 4], what turns a byte into the image's value, or the mask into [0, 1].
        shift: [P, 4], what is then added.
        inverse: [P, 2, 3], from pixels of the image to those of the tile, counted from its middle.
        scale: [P], image pixels per tile pixel.
        valid: bool [P].
    """

    tile: Tensor
    gain: Tensor
    shift: Tensor
    inverse: Tensor
    scale: Tensor
    valid: Tensor


def compose(
    images: Tensor, parts: PartBatch, theta: Tensor, *, feather: float = 1.0, mean: Colours = None, std: Colours = None
) -> tuple[Tensor, Tensor]:
    """Paste parts where θ puts them, later ones over earlier ones.

    Differentiable in ``theta`` and ``images``; the parts are data. Pixels that no part covers stay as they are, to the
    bit. Computed in float32 also under autocast, in float64 if ``images`` or ``theta`` is.

    Args:
        images: Normalised images, floating [B, 3, H, W], in the channel order of the parts.
        parts: What to paste; moved to the device of ``images``.
        theta: s, r, tx, ty of each part, floating [B, N, 4]; forward, r in radians, tx and ty in half sizes of the
            part's frame (:class:`~asda_aug.placement.Placement`). Not read where there is no part.
        feather: Width of the soft edge in pixels, rounded: the mask is eroded and blurred as far at the resolution of
            the image. 0 leaves it as it was sampled.
        mean: What was subtracted from the images' colours in [0, 1], per channel; None is what the parts say.
        std: What they were then divided by.

    Returns:
        The images, of the dtype of ``images``, and the soft coverage by all parts in [0, 1], [B, 1, H, W].

    Raises:
        ValueError: If shapes do not fit together, ``feather`` is negative, or (on a CPU) θ is not finite.
        TypeError: If ``images`` or ``theta`` is not floating, or the tiles are not uint8.
    """
    check_batch(images, parts)
    _check_theta(theta, parts, feather)
    dtype = torch.promote_types(torch.promote_types(images.dtype, theta.dtype), torch.float32)
    paste = _paste_one_by_one if images.device.type == "cpu" else _paste_together
    with torch.autocast(images.device.type, enabled=False):
        parts = parts.to(images.device)
        layers = _layers(parts, theta.to(dtype), mean, std)
        clear = images.new_ones((len(images), 1, *images.shape[2:]), dtype=dtype)
        pasted, clear = paste(images.to(dtype), clear, layers, parts, round(feather))
    return pasted.to(images.dtype), (1 - clear).to(images.dtype)


def _check_theta(theta: Tensor, parts: PartBatch, feather: float) -> None:
    if not theta.is_floating_point():
        raise TypeError(f"theta must be floating, but got {theta.dtype}")
    if theta.shape != (*parts.valid.shape, 4):
        raise ValueError(f"theta must have shape {(*parts.valid.shape, 4)}, but got {tuple(theta.shape)}")
    if feather < 0:
        raise ValueError(f"feather must not be negative, but got {feather}")


def _layers(parts: PartBatch, theta: Tensor, mean: Colours, std: Colours) -> list[_Layer]:
    """The first part of every sample, the second, and so on."""
    maps = tile_maps(parts, theta)
    offset, spread = (
        torch.as_tensor(own if given is None else given, dtype=theta.dtype, device=theta.device).expand(len(theta), 3)
        for given, own in ((mean, parts.mean), (std, parts.std))
    )
    gain, shift = 1 / (255 * functional.pad(spread, (0, 1), value=1.0)), functional.pad(-offset / spread, (0, 1))
    return [
        _Layer(parts.patch[:, n], gain, shift, maps.inverse[:, n], maps.scale[:, n].detach(), parts.valid[:, n])
        for n in range(theta.shape[1])
    ]


def _paste_together(
    images: Tensor, clear: Tensor, layers: list[_Layer], parts: PartBatch, radius: int
) -> tuple[Tensor, Tensor]:
    """Draw each layer over whole images."""
    for layer in layers:
        atlas = make_atlas(_tiles_in_image_values(layer), layer.scale)
        colour, alpha = _draw(layer, atlas, (range(images.shape[2]), range(images.shape[3])), radius)
        alpha = alpha * layer.valid[:, None, None, None]
        images, clear = torch.lerp(images, colour, alpha), clear * (1 - alpha)
    return images, clear


def _paste_one_by_one(
    images: Tensor, clear: Tensor, layers: list[_Layer], parts: PartBatch, radius: int
) -> tuple[Tensor, Tensor]:
    """Draw each part in its own window."""
    pasted, cleared = (list(torch.tensor_split(whole, len(whole))) for whole in (images, clear))
    for number, layer in enumerate(layers):
        sizes, levels = parts.size[:, number].tolist(), level_for(layer.scale).int().tolist()
        for sample in layer.valid.nonzero().ravel().tolist():
            part, cell = _Layer(*(field[sample : sample + 1] for field in layer)), 2 ** levels[sample]
            size = [length + 2 * MARGIN * cell for length in sizes[sample]]
            window = _window(part, size, images.shape[2:])
            if window is None:
                continue
            part = _cropped(part, size, cell)
            atlas = make_atlas(_tiles_in_image_values(part), part.scale, [levels[sample]])
            colour, alpha = _draw(part, atlas, window, radius)
            here = (..., *(slice(span.start, span.stop) for span in window))
            image, unclear = pasted[sample].clone(), cleared[sample].clone()
            image[here] = torch.lerp(pasted[sample][here], colour, alpha)
            unclear[here] = cleared[sample][here] * (1 - alpha)
            pasted[sample], cleared[sample] = image, unclear
    return torch.cat(pasted), torch.cat(cleared)


def _window(part: _Layer, size: list[float], shape: torch.Size) -> Window | None:
    """Rows and columns of the image that the middle of a tile, of that width and height, can touch; None if none."""
    (a, b, c), (d, e, f) = part.inverse[0].tolist()
    area = a * e - b * d
    if not math.isfinite(area + c + f):
        raise ValueError("theta must be finite on a CPU")
    x, y = (b * f - e * c) / area, (d * c - a * f) / area
    reach_x, reach_y = (abs(e) * size[0] + abs(b) * size[1]) / area, (abs(d) * size[0] + abs(a) * size[1]) / area
    window = []
    for middle, reach, length in ((y, reach_y / 2, shape[0]), (x, reach_x / 2, shape[1])):
        window.append(range(max(0, math.floor(middle - reach)), min(length, math.ceil(middle + reach) + 1)))
    return (window[0], window[1]) if window[0] and window[1] else None


def _cropped(part: _Layer, size: list[float], cell: int) -> _Layer:
    """A single part with a tile of no more than that width and height; its middle stays, and so do its cells."""
    side = part.tile.shape[-1]
    left, top = (max(0, side - math.ceil(length)) // (2 * cell) * cell for length in size)
    return part._replace(tile=part.tile[..., top : side - top, left : side - left])


@torch.no_grad()
def _tiles_in_image_values(layer: _Layer) -> Tensor:
    """Tiles in the values of the images, the mask in [0, 1]; [P, 4, h, w]."""
    return layer.tile.to(layer.gain.dtype).mul_(layer.gain[..., None, None]).add_(layer.shift[..., None, None])


def _draw(layer: _Layer, atlas: Atlas, window: Window, radius: int) -> tuple[Tensor, Tensor]:
    """Colour [P, 3, h, w] and soft alpha [P, 1, h, w] of a layer in a window of the images."""
    # From pixels of the image to coordinates of the atlas in [−1, 1].
    unit = 2 / layer.scale.new_tensor(atlas.picture.shape[:1:-1])
    cell = (unit / atlas.reduction[:, None])[..., None]
    middle = atlas.corner * unit - 1 + cell[..., 0] * unit.new_tensor(layer.tile.shape[:1:-1]) / 2
    by_column, by_row, start = (layer.inverse * cell).unbind(-1)
    rows, columns = (
        torch.arange(span.start, span.stop, dtype=unit.dtype, device=unit.device)[:, None] + 0.5 for span in window
    )
    along = columns * by_column[:, None] + (start + middle)[:, None]
    points = along[:, None] + (rows * by_row[:, None])[:, :, None]
    # The centres of the ring's cells.
    low, high = (atlas.corner - 0.5) * unit - 1, (atlas.corner + atlas.cells + 0.5) * unit - 1
    points = torch.clamp(points, low[:, None, None], high[:, None, None])
    drawn = functional.grid_sample(atlas.picture, points, align_corners=False)
    return drawn[:, :3], _soften(drawn[:, 3:], radius)


def _soften(alpha: Tensor, radius: int) -> Tensor:
    """Erode by a square and blur as far, [P, 1, h, w]; at the border of the image the alpha goes on."""
    if radius == 0:
        return alpha
    side = 2 * radius + 1
    alpha = -functional.max_pool2d(-alpha, side, stride=1, padding=radius)
    weights = cv2.getGaussianKernel(side, 0).ravel().tolist()
    alpha = functional.pad(alpha, (radius,) * 4, mode="replicate")
    # A convolution would be rounded to TF32 on recent GPUs.
    for axis, length in ((-1, alpha.shape[-1] - 2 * radius), (-2, alpha.shape[-2] - 2 * radius)):
        shifted = [weight * alpha.narrow(axis, start, length) for start, weight in enumerate(weights)]
        alpha = torch.stack(shifted).sum(dim=0)
    return alpha
