"""Looking for damage in pool files."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from partpool.errors import PoolError
from partpool.part import Part
from partpool.reader import PartPool


@dataclass
class VerifyReport:
    """What was looked at and what is wrong.

    Attributes:
        parts: Number of parts looked at.
        problems: A sentence for each damaged part.
    """

    parts: int = 0
    problems: list[str] = field(default_factory=list)


def verify(
    pool: PartPool, *, strict: bool = False, on_progress: Callable[[int, int], None] | None = None
) -> VerifyReport:
    """Check every part of an opened pool; opening it has checked the schema.

    Args:
        pool: The pool.
        strict: Also decode every part and compare it with its columns; otherwise only checksums are compared.
        on_progress: Called now and then with the number of parts done and their total.
    """
    report = VerifyReport()
    checksums = pool.columns["crc32"]
    for index in range(len(pool)):
        if zlib.crc32(pool.encoded(index)) != checksums[index]:
            report.problems.append(f"{pool.where(index)}: its checksum is wrong")
        elif strict:
            report.problems += [f"{pool.where(index)}: {problem}" for problem in _decoded_problems(pool, index)]
        report.parts += 1
        if on_progress and report.parts % 256 == 0:
            on_progress(report.parts, len(pool))
    return report


def _decoded_problems(pool: PartPool, index: int) -> Iterator[str]:
    try:
        part = pool[index]
    except PoolError as error:
        yield str(error)
        return
    yield from _part_problems(part, int(pool.columns["area"][index]))


def _part_problems(part: Part, area: int) -> Iterator[str]:
    x0, y0, x1, y1 = part.box.tolist()
    px0, py0, px1, py1 = part.person_box.tolist()
    height, width = part.mask.shape
    if not (px0 <= x0 < x1 <= px1 and py0 <= y0 < y1 <= py1):
        yield f"its box {part.box.tolist()} does not lie in its person's box {part.person_box.tolist()}"
        return
    if (width, height) == (x1 - x0, y1 - y0):
        if not all(side.any() for side in (part.mask[0], part.mask[-1], part.mask[:, 0], part.mask[:, -1])):
            yield "its mask does not touch all sides of its box"
        if np.count_nonzero(part.mask) != area:
            yield f"its mask has {np.count_nonzero(part.mask)} pixels, its area is {area}"
    elif width > x1 - x0 or height > y1 - y0:
        yield f"it is {width}×{height}, larger than its box"
