"""How large a part is before the placement scales it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asda_aug.sampling.part_size import ALIGNMENTS, aligned_diagonal, check_alignment
from asda_aug_parts import make_part
from partpool import ASDA26, PartPool
from partpool.errors import ConfigError


def test_aligned_sizes(parts: PartPool) -> None:
    part = parts[int(parts.indices("face")[0])]
    box = (10.0, 10.0, 40.0, 50.0)
    skirt = ASDA26["skirt"]
    assert aligned_diagonal(part, skirt, box) == pytest.approx(50 * 0.3)
    assert aligned_diagonal(part, skirt, box, "reference") == pytest.approx(50 * 0.1)
    own = np.hypot(*(part.box[2:] - part.box[:2])) / np.hypot(*(part.person_box[2:] - part.person_box[:2]))
    assert aligned_diagonal(part, skirt, box, "natural") == pytest.approx(50 * own)
    glove = ASDA26["glove"]
    assert aligned_diagonal(part, glove, box, "reference") == pytest.approx(50 * glove.size)
    with pytest.raises(ConfigError, match="class, reference, natural, but got 'huge'"):
        check_alignment("huge")


@given(st.floats(1, 1e3), st.floats(1, 1e3), st.floats(0.1, 10), st.sampled_from(ALIGNMENTS))
def test_it_grows_with_the_person_wherever_that_is(width: float, height: float, factor: float, align: str) -> None:
    part, hat = make_part(np.random.default_rng(0)), ASDA26["hat"]
    alignment = check_alignment(align)
    here = aligned_diagonal(part, hat, (5.0, 7.0, 5.0 + width, 7.0 + height), alignment)
    there = aligned_diagonal(part, hat, (0.0, -3.0, factor * width, factor * height - 3.0), alignment)
    assert there == pytest.approx(factor * here, rel=1e-6)
