"""Past generators that go on placing parts."""

from __future__ import annotations

import torch

from asda_aug import AdversarialAugmenter
from asda_aug.adversarial.generator_replay import GeneratorReplay
from players import assert_same, gradients, small_batch, small_generator, small_pose_network, weights


def test_past_generators_place_their_share() -> None:
    images, parts, _ = small_batch(batch=64, number=1, shape=(16, 12))
    past = small_generator(norm=False, seed=5)
    asda = AdversarialAugmenter(small_generator(norm=False), preset="paper", replay=1, replay_share=0.25, seed=0)
    asda._replay.keep(past)
    pasted = asda(images, parts)
    replayed = asda._batch[2].replayed
    assert 0.1 < replayed.float().mean() < 0.4
    alone = AdversarialAugmenter(past, preset="paper")(images, parts)
    own = AdversarialAugmenter(asda.generator, preset="paper")(images, parts)
    assert torch.equal(pasted[replayed], alone[replayed])
    assert torch.equal(pasted[~replayed], own[~replayed])
    pasted[replayed].sum().backward()
    assert not any(slope.any() for slope in gradients(asda.generator).values())


def test_the_ring_keeps_the_newest_and_is_not_changed_by_training() -> None:
    images, parts, target = small_batch()
    network = small_pose_network()
    asda = AdversarialAugmenter(small_generator(), preset="paper", replay=2, replay_every=2)
    kept = []
    for step in range(1, 9):
        ((network(asda(images, parts)) - target) ** 2).mean().backward()
        asda.step()
        if step % 2 == 0:
            kept.append(weights(asda.generator))
    ring = asda._replay.state_dict()
    assert len(ring) == 2
    for past, expected in zip(ring, kept[-2:], strict=True):
        # Statistics go on with the pictures that the past generator sees.
        learnt = dict(asda.generator.named_parameters())
        assert_same({name: past[name] for name in learnt}, {name: expected[name] for name in learnt})


def test_a_kept_generator_predicts_as_it_did_and_travels_as_a_state() -> None:
    images = torch.randn(2, 3, 48, 36)
    generator, replay, rng = small_generator(norm=False), GeneratorReplay(1), torch.Generator()
    replay.keep(generator)
    expected = generator(images)
    with torch.no_grad():
        generator.head.weight.zero_()
    again = GeneratorReplay(1)
    again.load_state_dict(replay.state_dict())
    for each in (replay, again):
        torch.testing.assert_close(each.predict(generator, images, rng), expected.detach())
    assert not generator(images).any()
