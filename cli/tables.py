"""Tables that several commands print."""

from __future__ import annotations

from collections.abc import Mapping

from rich.box import SIMPLE_HEAD
from rich.table import Table


def outcome_table(counts: Mapping[str, Mapping[str, int]], sizes: Mapping[str, str] | None = None) -> Table:
    """Kept and rejected segments per class, with the reasons from frequent to rare.

    Args:
        counts: Number of segments by class and outcome.
        sizes: A size to show per class.
    """
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("class", no_wrap=True)
    table.add_column("parts", justify="right", no_wrap=True)
    if sizes is not None:
        table.add_column("median", justify="right", no_wrap=True)
    table.add_column("rejected", justify="right", no_wrap=True)
    table.add_column("why", overflow="fold")
    for name, outcomes in counts.items():
        reasons = {key: count for key, count in outcomes.items() if key not in ("kept", "islands", "repeated")}
        why = ", ".join(f"{key} {count:,}" for key, count in sorted(reasons.items(), key=lambda pair: -pair[1]))
        row = [name, f"{outcomes.get('kept', 0):,}", f"{sum(reasons.values()):,}", why]
        if sizes is not None:
            row.insert(2, sizes.get(name, ""))
        table.add_row(*row)
    return table
