"""Looking for damage in pool files, ever deeper: schema, checksums, pixels, columns, sources."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from partpool.errors import PoolError
from partpool.filters.measures import border_share, raggedness
from partpool.pool.file import PoolFile
from partpool.pool.format import QUALITY
from partpool.pool.part import Part
from partpool.pool.reader import PartPool
from partpool.segment.contours import contour_length, find_quads
from partpool.sources import Item
from partpool.verify.columns import crosscheck
from partpool.verify.sources import recut_problems

CLOSE = 1e-4
"""Relative difference up to which a quality is the same; they are stored in 32 bits."""
Progress = Callable[[int, int], None]


@dataclass
class VerifyReport:
    """What was looked at and what is wrong.

    Attributes:
        parts: Number of parts looked at.
        damaged: Number of parts that something is wrong with.
        problems: A sentence for each thing that is wrong.
    """

    parts: int = 0
    damaged: int = 0
    problems: list[str] = field(default_factory=list)


def verify(
    pool: PartPool,
    *,
    strict: bool = False,
    against: Sequence[Item] | None = None,
    on_progress: Progress | None = None,
) -> VerifyReport:
    """Check every part of an opened pool.

    1. Opening it has checked the schema.
    2. Every checksum is compared.
    3. With ``strict`` every patch is decoded, and its mask measured again.
    4. With ``strict`` the columns are compared with each other, with the counts, and with the pool's own filters.
    5. With ``against`` every source is cut again and must give the same parts.

    Args:
        pool: The pool.
        strict: Whether to take steps 3 and 4.
        against: The items of the data set for step 5.
        on_progress: Called now and then with the number of parts, or in step 5 sources, done and their total.

    Raises:
        ConfigError: If the pool was cut by rules that this version does not have, so that step 5 is impossible.
    """
    report = VerifyReport()
    for file in pool.files:
        _verify_parts(file, pool, report, strict, on_progress)
        if against is not None:
            report.problems += [f"{file.path}: {problem}" for problem in recut_problems(file, against, on_progress)]
    return report


def _verify_parts(
    file: PoolFile, pool: PartPool, report: VerifyReport, strict: bool, on_progress: Progress | None
) -> None:
    found: dict[int, list[str]] = {}
    if strict:
        for row, problem in crosscheck(file):
            if row is None:
                report.problems.append(f"{file.path}: {problem}")
            else:
                found.setdefault(row, []).append(problem)
    checksums, first = file["crc32"], report.parts
    for row in range(len(file)):
        if zlib.crc32(file.patch_bytes(row)) != checksums[row]:
            found.setdefault(row, []).insert(0, "its checksum is wrong")
        elif strict:
            found.setdefault(row, []).extend(_decoded_problems(file, pool, first + row, row))
        problems = found.pop(row, [])
        report.problems += [f"{file.path}: part {row}: {problem}" for problem in problems]
        report.damaged += bool(problems)
        report.parts += 1
        if on_progress and report.parts % 256 == 0:
            on_progress(report.parts, len(pool))


def _decoded_problems(file: PoolFile, pool: PartPool, index: int, row: int) -> Iterator[str]:
    # Such a part cannot be read, as the columns have said of it.
    if file["source"][row] >= file.sources:
        return
    try:
        part = pool[index]
    except PoolError as error:
        yield str(error).partition(f"part {row}: ")[2] or str(error)
        return
    x0, y0, x1, y1 = part.box.tolist()
    if part.mask.shape == (y1 - y0, x1 - x0):
        yield from _mask_problems(file, part, row)


def _mask_problems(file: PoolFile, part: Part, row: int) -> Iterator[str]:
    """What a mask that was not shrunk says of the columns."""
    if not all(side.any() for side in (part.mask[0], part.mask[-1], part.mask[:, 0], part.mask[:, -1])):
        yield "its mask does not touch all sides of its box"
    pixels, area = int(np.count_nonzero(part.mask)), int(file["area"][row])
    if pixels != area:
        yield f"its mask has {pixels} pixels, its area is {area}"
        return
    mask = part.mask.view(np.uint8)
    source = int(file["source"][row])
    size = (int(file["sources/width"][source]), int(file["sources/height"][source]))
    x0, y0, x1, y1 = part.box.tolist()
    measured = {
        "raggedness": raggedness(contour_length(*find_quads(mask, 2).steps([1])), area),
        "border": border_share(mask, (x0, y0, x1, y1), size),
    }
    for name, value in measured.items():
        stored = float(file["quality"][row, QUALITY.index(name)])
        if abs(value - stored) > CLOSE * max(1, stored):
            yield f"its mask has the {name} {value:.4g}, its quality says {stored:.4g}"
