"""Tables: kept and rejected segments of each class, and why."""

from __future__ import annotations

import io

from partpool_cli.tables import outcome_table
from rich.console import Console


def lines(*args: object) -> list[list[str]]:
    """Cells of each line, after the titles."""
    out = io.StringIO()
    Console(file=out, width=200).print(outcome_table(*args))  # type: ignore[arg-type]
    return [line.split() for line in out.getvalue().splitlines() if line.strip() and "─" not in line]


COUNTS = {
    "hat": {"kept": 1200, "small": 3, "thin": 20, "islands": 7, "repeated": 5},
    "hair": {"kept": 0},
    "face": {},
}


def test_reasons_stand_from_frequent_to_rare_and_islands_are_none() -> None:
    titles, hat, hair, face = lines(COUNTS)
    assert titles == ["class", "parts", "rejected", "why"]
    assert hat == ["hat", "1,200", "23", "thin", "20,", "small", "3"]
    assert hair == ["hair", "0", "0"]
    assert face == ["face", "0", "0"]


def test_sizes_have_a_column_of_their_own() -> None:
    titles, hat, hair, _ = lines(COUNTS, {"hat": "30×20"})
    assert titles[2] == "median"
    assert hat[:3] == ["hat", "1,200", "30×20"]
    assert hair == ["hair", "0", "0"]
