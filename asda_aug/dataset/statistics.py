"""What was done to the samples of a data set, counted over all processes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from asda_aug.dataset.shared_counters import Tally
from asda_aug.occluders.occluder import Paste

REASONS = ("chance", "closed", "skipped", "empty", "off-image")
"""Why nothing was pasted: ``p``; the last epochs; ``skip``; nothing was drawn, for want of a person, a keypoint or by
``num_parts``; it fell beside the image."""


class Statistics:
    """Counts samples, what was pasted over them and what that covers.

    Args:
        names: What the things that are pasted are called.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        by_name = tuple(f"{what}:{name}" for name in names for what in ("pastes", "covered"))
        self._tally = Tally(("samples", "keypoints", "covered", *REASONS, *by_name))

    def count_untouched(self, reason: str) -> None:
        """Count a sample that nothing was pasted over, and why: one of :data:`REASONS`."""
        self._tally.add([("samples", 1), (reason, 1)])

    def count_touched(self, pastes: Sequence[Paste], labelled: int) -> None:
        """Count a sample that something was pasted over.

        Args:
            pastes: What can be seen of it.
            labelled: Number of labelled keypoints that the sample came with.
        """
        covered = {joint for paste in pastes for joint in paste.covered}
        counts = [("samples", 1), ("keypoints", labelled), ("covered", len(covered))]
        for paste in pastes:
            counts += [(f"pastes:{paste.name}", 1), (f"covered:{paste.name}", len(paste.covered))]
        self._tally.add(counts)

    def summary(self) -> dict[str, Any]:
        """The counts so far, as :meth:`asda_aug.ASDADataset.stats` returns them."""
        totals = self._tally.totals()
        untouched = {reason: totals[reason] for reason in REASONS}
        classes = {name: {what: totals[f"{what}:{name}"] for what in ("pastes", "covered")} for name in self._names}
        return {
            "samples": totals["samples"],
            "touched": totals["samples"] - sum(untouched.values()),
            "pastes": sum(each["pastes"] for each in classes.values()),
            "keypoints": totals["keypoints"],
            "covered": totals["covered"],
            "untouched": untouched,
            "classes": classes,
        }
