"""What the generator does, in numbers, and a warning when it collapses."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from asda_aug.batch.occupancy import Occupancy
from asda_aug.batch.part_batch import PartBatch

BINS = 20
"""Bins of each θ histogram over the generator's range."""
SATURATED = 0.95
"""A parameter beyond this share of its range is saturated."""
ALARMS = {
    "saturated": (0.8, "most placements lie at the end of their range"),
    "off_frame": (0.5, "most parts are put beside the image, where they do nothing"),
    "covered_person": (0.8, "most of the person is covered"),
}
"""Shares above which the generator has collapsed, and what that means."""
PATIENCE = 100
"""Batches before the first alarm, and between two looks."""
SHARES = ("saturated", "off_frame", "covered_person", "covered_joints")


class Monitor:
    """Counts on the device what is placed where; older batches count less and less.

    Args:
        classes: Names of the part classes.
        ranges: Largest r, tx and ty.
        decay: What is left of a count after another batch.
    """

    def __init__(self, classes: Sequence[str], ranges: Sequence[float], decay: float = 0.99) -> None:
        self.classes, self.ranges, self.decay = tuple(classes), tuple(ranges), decay
        self._histogram = torch.zeros(len(self.classes), 3, BINS)
        self._sums = torch.zeros(2, len(SHARES))
        self._batches = 0
        self._alarmed: set[str] = set()

    @torch.no_grad()
    def record(self, parts: PartBatch, placed: Tensor, covered: Occupancy, generated: Tensor) -> None:
        """Count a batch.

        Args:
            parts: The parts.
            placed: Their r, tx, ty, [B, N, 3].
            covered: What they cover.
            generated: Which samples are the generator's, bool [B].
        """
        device = placed.device
        self._histogram, self._sums = self._histogram.to(device), self._sums.to(device)
        here = (parts.valid & generated[:, None]).float()
        share = placed.float() / placed.new_tensor(self.ranges, dtype=torch.float32)
        bins = ((share + 1) / 2 * BINS).nan_to_num().long().clamp(0, BINS - 1)
        rows = (parts.class_id[..., None] * 3 + torch.arange(3, device=device)) * BINS + bins
        self._histogram *= self.decay
        self._histogram.view(-1).index_add_(0, rows.flatten(), here[..., None].expand_as(share).flatten())
        saturated = (share.abs() > SATURATED).any(dim=-1)
        pasted = generated & parts.valid.any(dim=1)
        each = [(saturated, here), (covered.off_frame, here), (covered.person, pasted), (covered.joints, pasted)]
        sums = torch.stack([torch.stack([(value * weight).sum(), weight.sum()]) for value, weight in each], dim=1)
        self._sums = self.decay * self._sums + sums
        self._batches += 1

    def shares(self) -> dict[str, float]:
        """The shares of :data:`SHARES`; NaN before the first batch."""
        total, weight = self._sums.cpu()
        return dict(zip(SHARES, (total / weight).tolist(), strict=True))

    def histograms(self) -> dict[str, dict[str, Any]]:
        """Counts in equal bins over the range of r, tx and ty, by class, for classes that were placed."""
        counts = self._histogram.cpu()
        return {
            name: dict(zip(("r", "tx", "ty"), histogram.tolist(), strict=True))
            for name, histogram in zip(self.classes, counts, strict=True)
            if histogram.any()
        }

    def warn_on_collapse(self) -> None:
        """Warn of each alarm once."""
        if self._batches == 0 or self._batches % PATIENCE:
            return
        shares = self.shares()
        for name, (limit, meaning) in ALARMS.items():
            if shares[name] > limit and name not in self._alarmed:
                self._alarmed.add(name)
                warnings.warn(
                    f"the generator has collapsed: {meaning} ({name} is {shares[name]:.2f}); "
                    "use preset='guarded', a smaller lr, or smaller ranges",
                    stacklevel=3,
                )
