"""The class adversary finds the class that hurts, follows when that changes, and is seen by workers."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset

from asda_aug import AdversarialAugmenter, ClassAdversary
from asda_aug.sampling.sampler import ClassWeights
from partpool.errors import ConfigError
from players import CLASSES, small_batch, small_generator


def simulate(adversary: ClassAdversary, hurts: int, batches: int, rng: np.random.Generator) -> None:
    """Batches of 32 samples of drawn classes, noisy losses, those of one class half as large again."""
    for _ in range(batches):
        drawn = rng.choice(len(adversary.classes), 32, p=adversary.probabilities())
        loss = rng.lognormal(0, 0.5, 32) * np.where(drawn == hurts, 1.5, 1.0)
        adversary.update(torch.from_numpy(drawn), torch.from_numpy(loss))


@pytest.mark.parametrize("seed", range(3))
def test_it_finds_the_class_that_hurts_and_follows_when_that_changes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    adversary = ClassAdversary([f"class-{number}" for number in range(26)])
    simulate(adversary, 7, 800, rng)
    probabilities = adversary.probabilities()
    assert probabilities.argmax() == 7
    assert probabilities[7] > 4 / 26
    simulate(adversary, 19, 1200, rng)
    probabilities = adversary.probabilities()
    assert probabilities.argmax() == 19
    assert probabilities[19] > 4 / 26
    assert probabilities[7] < 2 / 26


def test_no_class_falls_below_the_floor_and_equal_classes_stay_about_equal() -> None:
    rng = np.random.default_rng(0)
    adversary = ClassAdversary(CLASSES, floor=0.3)
    simulate(adversary, 0, 2000, rng)
    probabilities = adversary.probabilities()
    assert probabilities.dtype == np.float64
    assert probabilities.sum() == pytest.approx(1)
    assert probabilities.min() >= 0.3 / len(CLASSES) * 0.999
    level = ClassAdversary(CLASSES)
    simulate(level, -1, 500, rng)
    assert level.probabilities().max() < 3 / len(CLASSES)


class Seen(Dataset[Any]):
    """Probabilities as a worker sees them."""

    def __init__(self, adversary: ClassAdversary) -> None:
        self.adversary = adversary

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> Any:
        return self.adversary.probabilities()


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.slow
def test_living_workers_see_every_change(method: str) -> None:
    adversary = ClassAdversary(CLASSES)
    loader = DataLoader(Seen(adversary), num_workers=2, persistent_workers=True, multiprocessing_context=method)
    assert all(torch.equal(seen[0], torch.full((6,), 1 / 6, dtype=torch.float64)) for seen in loader)
    simulate(adversary, 2, 50, np.random.default_rng(0))
    expected = torch.from_numpy(adversary.probabilities())
    assert expected.argmax() == 2
    assert all(torch.equal(seen[0], expected) for seen in loader)


def test_it_is_what_the_sampler_takes_for_class_weights() -> None:
    assert isinstance(ClassAdversary(CLASSES), ClassWeights)


def test_it_learns_from_observed_losses() -> None:
    images, parts, _ = small_batch(batch=16, number=1)
    adversary = ClassAdversary(CLASSES)
    asda = AdversarialAugmenter(small_generator(), class_adversary=adversary, seed=0)
    hurts = parts.class_id[0, 0]
    for _ in range(30):
        asda(images, parts)
        asda.observe(torch.where(parts.class_id[:, 0] == hurts, 2.0, 1.0))
    assert adversary.probabilities().argmax() == hurts


def test_bad_losses_teach_nothing() -> None:
    adversary = ClassAdversary(CLASSES)
    adversary.update(torch.tensor([1, 2]), torch.tensor([float("nan"), float("inf")]))
    adversary.update(torch.tensor([], dtype=torch.int64), torch.tensor([]))
    adversary.update(torch.tensor([1, 2]), torch.tensor([0.0, 0.0]))
    assert adversary.probabilities().tolist() == pytest.approx([1 / 6] * 6)


def test_state_and_pickle() -> None:
    adversary, other = ClassAdversary(CLASSES), ClassAdversary(CLASSES)
    simulate(adversary, 2, 50, np.random.default_rng(0))
    other.load_state_dict(adversary.state_dict())
    np.testing.assert_allclose(other.probabilities(), adversary.probabilities(), rtol=1e-12)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(adversary)).probabilities(), adversary.probabilities())
    with pytest.raises(ConfigError, match="the state is for 6 classes, not 2"):
        ClassAdversary(("hat", "face")).load_state_dict(adversary.state_dict())


@pytest.mark.parametrize("name", ["rate", "floor", "share"])
def test_wrong_options(name: str) -> None:
    with pytest.raises(ConfigError, match=f"{name} must lie in"):
        ClassAdversary(CLASSES, **{name: 0.0})


def test_adversary_and_generator_must_be_for_the_same_classes() -> None:
    with pytest.raises(ConfigError, match="must be for the same classes"):
        AdversarialAugmenter(small_generator(), class_adversary=ClassAdversary(("hat", "face")))
