"""How large a part is before the placement scales it."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from asda_aug.scene.scene import Box
from partpool.errors import ConfigError
from partpool.pool.part import Part
from partpool.pool.stored_part import StoredPart
from partpool.taxonomy.part_classes import PartClass

Align = Literal["class", "reference", "natural"]
ALIGNMENTS: tuple[Align, ...] = ("class", "reference", "natural")


def check_alignment(align: str) -> Align:
    """The alignment of that name.

    Raises:
        ConfigError: If there is none.
    """
    for known in ALIGNMENTS:
        if align == known:
            return known
    raise ConfigError(f"align must be one of {', '.join(ALIGNMENTS)}, but got {align!r}")


def aligned_diagonal(part: Part | StoredPart, part_class: PartClass, box: Box, align: Align = "class") -> float:
    """Diagonal of a part at s = 1, in pixels of the image it is pasted into.

    Args:
        part: The part.
        part_class: Its class.
        box: Box of the person it is pasted over.
        align: ``"class"`` takes the class's usual share of the person's diagonal, ``"reference"`` the number of the
            reference implementation (ours where it has none), ``"natural"`` the part's share of its own person.
    """
    person = math.hypot(box[2] - box[0], box[3] - box[1])
    if align == "natural":
        return person * _diagonal(part.box) / _diagonal(part.person_box)
    if align == "reference" and part_class.reference_size is not None:
        return person * part_class.reference_size
    return person * part_class.size


def _diagonal(box: NDArray[np.int32]) -> float:
    x0, y0, x1, y1 = box.tolist()
    return math.hypot(x1 - x0, y1 - y0)
