"""Counts of segments by class and outcome."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from partpool.filters.config import REASONS
from partpool.pool.outcomes import ISLANDS, KEPT, REPEATED, counts_by_name

NAMES = ("hat", "hair", "face")
OUTCOMES = (KEPT, ISLANDS, REPEATED, *REASONS)


@given(st.dictionaries(st.tuples(st.integers(0, 2), st.sampled_from(OUTCOMES)), st.integers(0, 9)))
def test_every_count_stands_under_its_name(counts: dict[tuple[int, str], int]) -> None:
    by_name = counts_by_name(Counter(counts), NAMES)
    assert tuple(by_name) == NAMES
    back = {(NAMES.index(name), outcome): n for name, outcomes in by_name.items() for outcome, n in outcomes.items()}
    assert back == {key: count for key, count in counts.items() if count}


def test_words_do_not_collide() -> None:
    assert len(set(OUTCOMES)) == len(OUTCOMES)
