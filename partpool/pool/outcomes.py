"""What became of segments: the words for it, and how often each was the case."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

KEPT = "kept"
"""Outcome of segments that are in the pool; the other ones are :data:`partpool.filters.config.REASONS`."""
ISLANDS = "islands"
"""Outcome of components that are too small to stay in their segment."""
REPEATED = "repeated"
"""Outcome of parts whose item is in the pool already."""

Counts = Counter[tuple[int, str]]
"""Number of segments by class id and outcome."""


def counts_by_name(counts: Counts, names: Sequence[str]) -> dict[str, dict[str, int]]:
    """Number of segments by class name and outcome; those that are zero are left out."""
    return {
        name: {outcome: count for (owner, outcome), count in sorted(counts.items()) if owner == class_id and count}
        for class_id, name in enumerate(names)
    }
