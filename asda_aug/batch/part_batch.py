"""Parts that travel with a batch, to be pasted on the device."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class PartBatch(NamedTuple):
    """Parts drawn for each sample, and where they may go.

    ``ASDADataset(defer=True)`` makes one per sample, without the axis B; default collate stacks them. N is the largest
    number of parts per sample, S the side of a tile, K the number of keypoints. Coordinates are pixels of the sample's
    image, pixel centres at +½.

    Attributes:
        patch: uint8 [B, N, 4, S, S]; three colour channels in the order of the sample's own, the part's colour extended
            over the whole tile, and the mask, 0 or 255 (between them where the part was shrunk). The part is centred.
        size: float32 [B, N, 2], width and height of the part in tile pixels.
        class_id: int64 [B, N].
        diagonal: float32 [B, N], aligned diagonal in image pixels: what the part has at s = 1.
        scale: float32 [B, N], the drawn s.
        frame: float32 [B, N, 4], cx cy half_w half_h.
        valid: bool [B, N]; False where there is no part.
        points: float32 [B, K, 2], keypoints of the person.
        labelled: bool [B, K].
        person: float32 [B, 4], its box x0 y0 x1 y1.
        mean: float32 [B, 3], what was subtracted from the image's colours in [0, 1], in its channel order.
        std: float32 [B, 3], what they were then divided by.
    """

    patch: Tensor
    size: Tensor
    class_id: Tensor
    diagonal: Tensor
    scale: Tensor
    frame: Tensor
    valid: Tensor
    points: Tensor
    labelled: Tensor
    person: Tensor
    mean: Tensor
    std: Tensor

    def to(self, device: object, non_blocking: bool = False) -> PartBatch:
        """The same parts on another device."""
        return PartBatch(*(tensor.to(device, non_blocking=non_blocking) for tensor in self))  # type: ignore[call-overload]
