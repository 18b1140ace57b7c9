"""How far a build is, and what it did."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from partpool.building.unit_files import FailedItem


@dataclass(frozen=True, slots=True)
class BuildProgress:
    """How far a build is: items done, of how many, parts kept, items failed, and items resumed so far."""

    done: int
    total: int
    parts: int
    failed: int
    resumed: int = 0


@dataclass
class BuildReport:
    """What a build did.

    Attributes:
        out: The pool file; None for a dry run.
        items: Number of items.
        parts: Number of parts kept.
        failed: The items that could not be used.
        counts: By class name, the number of segments by outcome: ``"kept"``, ``"islands"`` or a rejection reason.
        pool_bytes: Size of the pool file; for a dry run an estimate.
        resumed: Number of items that an interrupted build had done already.
        warnings: What looks wrong, a sentence each: label maps that do not look like their scheme.
        seconds: How long it took.
    """

    out: Path | None
    items: int
    parts: int = 0
    failed: list[FailedItem] = field(default_factory=list)
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    pool_bytes: int = 0
    resumed: int = 0
    warnings: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """The report as plain data."""
        return {
            "out": None if self.out is None else str(self.out),
            "items": self.items,
            "parts": self.parts,
            "failed": [{"name": item.name, "reason": item.reason, "message": item.message} for item in self.failed],
            "counts": self.counts,
            "pool_bytes": self.pool_bytes,
            "resumed": self.resumed,
            "warnings": self.warnings,
            "seconds": round(self.seconds, 3),
        }
