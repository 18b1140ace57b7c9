"""A sample, and what is to be pasted over it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from asda_aug.adapters.adapter import Adapter
from asda_aug.occluders.occluder import Paste
from asda_aug.scene.scene import Scene


@dataclass(slots=True, eq=False)
class DrawnSample:
    """A sample for which everything random has been decided, and whose pixels have not been touched.

    Attributes:
        sample: As the base returned it, with a place for marks if they are asked for.
        adapter: What reads and writes it.
        scene: What was read; None if the sample is left alone.
        reason: Why it is left alone, decided before anything was drawn; None if it was drawn for.
        pastes: What was drawn.
        labelled: Number of its labelled keypoints, before any is dropped.
    """

    sample: Any
    adapter: Adapter
    scene: Scene | None = None
    reason: str | None = None
    pastes: list[Paste] = field(default_factory=list)
    labelled: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        if self.scene is not None:
            self.labelled = int(np.count_nonzero(self.scene.labelled))

    @property
    def why_untouched(self) -> str:
        """Why nothing of it has changed, if that is so; one of :data:`asda_aug.dataset.statistics.REASONS`."""
        return self.reason or ("off-image" if self.pastes else "empty")

    def load(self) -> None:
        """Read the pixels of the parts."""
        for paste in self.pastes:
            paste.load()
