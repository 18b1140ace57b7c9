"""Which samples stay clean, are pasted at random, or are the generator's, and where their parts go."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from asda_aug import AdversarialAugmenter
from asda_aug.adversarial.guards import Guards
from asda_aug.adversarial.sample_mix import CLEAN, GENERATED, RANDOM, RANDOM_RANGES, Mix, draw_mix, mix_to, placements
from players import small_batch, small_generator


def test_shares_of_clean_random_and_generated_samples() -> None:
    images, parts, _ = small_batch(batch=300, number=1, shape=(16, 12))
    asda = AdversarialAugmenter(small_generator(), seed=0)
    with torch.no_grad():
        pasted = asda(images, parts)
    kind = asda._batch[2].kind
    assert (torch.bincount(kind) / 300).tolist() == pytest.approx([0.1, 0.3, 0.6], abs=0.06)
    assert torch.equal(pasted[kind == 0], images[kind == 0])


@settings(max_examples=30, deadline=None)
@given(st.floats(0, 0.5), st.floats(0, 0.5), st.integers(0, 2**31))
def test_the_same_numbers_draw_the_same_mix(clean: float, random: float, seed: int) -> None:
    guards = Guards(clean=clean, random=random, replay_share=0.5)
    one, other = (draw_mix(guards, (400, 2), torch.Generator().manual_seed(seed)) for _ in range(2))
    assert all(torch.equal(*pair) for pair in zip(one, other, strict=True))
    shares = (torch.bincount(one.kind, minlength=3) / 400).tolist()
    assert shares == pytest.approx([clean, random, 1 - clean - random], abs=0.13)
    assert (one.random.abs() <= torch.tensor(RANDOM_RANGES)).all()
    assert all(torch.equal(*pair) for pair in zip(mix_to(one, torch.device("cpu")), one, strict=True))


def test_placements_are_the_generators_where_a_sample_is_its() -> None:
    predicted, past, random = (torch.full((4, 1, 3), value) for value in (1.0, 2.0, 5.0))
    mix = Mix(torch.tensor([CLEAN, RANDOM, GENERATED, GENERATED]), random, torch.tensor([True, True, False, True]))
    assert placements(mix, predicted, None, 1.0)[:, 0, 0].tolist() == [5, 5, 1, 1]
    assert placements(mix, predicted, past, 1.0)[:, 0, 0].tolist() == [5, 5, 1, 2]
    assert placements(mix, predicted, past, 0.75)[:, 0, 0].tolist() == [5, 5, 2, 2.75]
    assert placements(mix, predicted.double(), None, 0.0).dtype == torch.float64
