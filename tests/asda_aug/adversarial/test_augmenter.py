"""The two players: their gradients and updates are those of separate passes, whatever the training loop does."""

from __future__ import annotations

import copy
import warnings
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from asda_aug import AdversarialAugmenter, Generator, compose
from asda_aug.errors import CheckpointError
from part_batches import random_parts
from partpool.errors import ConfigError
from players import (
    CLASSES,
    SHAPE,
    assert_same,
    gradients,
    small_batch,
    small_generator,
    small_pose_network,
    weights,
)


def separate_theta(generator: Any, images: Any, parts: Any) -> Any:
    """θ of every part, written out."""
    predicted = generator(images)
    rows = [
        torch.stack([predicted[sample, parts.class_id[sample, number]] for number in range(parts.valid.shape[1])])
        for sample in range(len(images))
    ]
    return torch.cat([parts.scale[..., None].to(predicted.dtype), torch.stack(rows)], dim=-1)


def mse(network: Any, images: Any, target: Any) -> Any:
    return functional.mse_loss(network(images), target)


def train(asda: Any, network: Any, optimizer: Any, batch: Any) -> float:
    """A step of the loop in the contract."""
    images, parts, target = batch
    loss = mse(network, asda(images, parts), target)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    closure = (lambda pasted: mse(network, pasted, target)) if asda.mode == "alternate" else None
    asda.step(closure)
    return loss.item()


@pytest.mark.parametrize("shape", [SHAPE, (33, 50)])
def test_one_pass_gives_the_gradients_of_separate_passes(shape: tuple[int, int]) -> None:
    images, parts, target = small_batch(shape=shape)
    images, target = images.double(), target.double()
    parts.valid[1, 0] = False
    generator, network = small_generator().double(), small_pose_network().double()
    other_generator, other_network = copy.deepcopy(generator), copy.deepcopy(network)

    asda = AdversarialAugmenter(generator, preset="paper")
    mse(network, asda(images, parts), target).backward()

    with torch.no_grad():
        theta = separate_theta(copy.deepcopy(other_generator), images, parts)
    alone = copy.deepcopy(other_network)
    mse(alone, compose(images, parts, theta)[0], target).backward()
    assert_same(gradients(network), gradients(alone), atol=1e-12, rtol=1e-9)

    other_network.requires_grad_(False)
    theta = separate_theta(other_generator, images, parts)
    (-mse(other_network, compose(images, parts, theta)[0], target)).backward()
    assert_same(gradients(generator), gradients(other_generator), atol=1e-12, rtol=1e-9)
    assert any(gradient.abs().max() > 1e-6 for gradient in gradients(generator).values())


def test_with_the_pose_network_frozen_the_generator_raises_the_loss() -> None:
    images, parts, target = small_batch()
    generator, network = small_generator(moved=0.05), small_pose_network().requires_grad_(False)
    asda = AdversarialAugmenter(generator, preset="paper", lr=1e-2)
    losses = []
    for _ in range(30):
        loss = mse(network, asda(images, parts), target)
        loss.backward()
        asda.step()
        losses.append(loss.item())
    assert min(losses[-5:]) > losses[0] + 0.001
    assert (np.diff(losses) > 0).mean() > 0.6


def test_with_the_generator_frozen_training_is_that_on_random_placements() -> None:
    network = small_pose_network()
    other = copy.deepcopy(network)
    optimizer, other_optimizer = (torch.optim.Adam(each.parameters(), 1e-2) for each in (network, other))
    asda = AdversarialAugmenter(small_generator(moved=0.0), lr=0.0, preset="paper")
    for seed in range(4):
        images, parts, target = small_batch(seed)
        train(asda, network, optimizer, (images, parts, target))
        # A fresh generator adds nothing: parts stay in the middle, with the scale that was drawn.
        theta = functional.pad(parts.scale[..., None], (0, 3))
        loss = mse(other, compose(images, parts, theta)[0], target)
        other_optimizer.zero_grad()
        loss.backward()
        other_optimizer.step()
    assert_same(weights(network), weights(other), atol=1e-6, rtol=1e-5)


def test_sda_alone_is_random_pasting_and_needs_no_generator() -> None:
    images, parts, _ = small_batch(batch=64, number=1)
    asda = AdversarialAugmenter(small_generator(), preset="paper", random=1.0, seed=3)
    with torch.no_grad():
        asda(images, parts)
    placed = asda._batch[2].random
    for column, limit in enumerate((np.pi / 6, 0.5, 0.5)):
        assert placed[..., column].abs().max() <= limit
        assert placed[..., column].std() > 0.45 * limit
    assert asda.stats["theta"] == {}


def test_alternate_is_the_papers_schedule() -> None:
    generator, network = small_generator(), small_pose_network()
    other_generator, other_network = copy.deepcopy(generator), copy.deepcopy(network)
    asda = AdversarialAugmenter(generator, preset="paper", mode="alternate", discriminator=network)
    optimizer, other_optimizer = (torch.optim.SGD(each.parameters(), 0.1) for each in (network, other_network))
    ascent = torch.optim.Adam(other_generator.parameters(), 1e-3)
    for seed in range(3):
        images, parts, target = batch = small_batch(seed)
        train(asda, network, optimizer, batch)

        theta = separate_theta(other_generator, images, parts).detach()
        loss = mse(other_network, compose(images, parts, theta)[0], target)
        other_optimizer.zero_grad()
        loss.backward()
        other_optimizer.step()
        statistics = weights(other_network)
        loss = -mse(other_network, compose(images, parts, separate_theta(other_generator, images, parts))[0], target)
        ascent.zero_grad()
        loss.backward()
        ascent.step()
        other_network.load_state_dict(statistics)
    assert_same(weights(network), weights(other_network))
    assert_same(weights(generator), weights(other_generator))


def test_the_generators_own_pass_leaves_no_trace_in_the_pose_network() -> None:
    images, parts, target = small_batch()
    network = small_pose_network()
    network[0].bias.requires_grad_(False)
    asda = AdversarialAugmenter(small_generator(), preset="paper", mode="alternate", discriminator=network, ng=3)
    mse(network, asda(images, parts), target).backward()
    before, slopes, generator = weights(network), gradients(network), weights(asda.generator)
    asda.step(lambda pasted: mse(network, pasted, target))
    assert_same(weights(network), before)
    assert_same(gradients(network), slopes)
    assert [each.requires_grad for each in network.parameters()] == [True, False, True, True, True, True]
    assert network.training
    assert any(not torch.equal(tensor, generator[name]) for name, tensor in weights(asda.generator).items())

    asda(images, parts)
    with pytest.raises(ZeroDivisionError):
        asda.step(lambda pasted: 1 / 0)
    assert_same(weights(network), before)
    assert network[0].weight.requires_grad


def test_nd_and_ng_count_updates() -> None:
    images, parts, target = small_batch()
    network = small_pose_network()
    asda = AdversarialAugmenter(
        small_generator(), preset="paper", mode="alternate", discriminator=network, nd=3, ng=2
    )  # fmt: skip
    passes = []

    def closure(pasted: Any) -> Any:
        passes.append(asda.steps)
        return mse(network, pasted, target)

    for _ in range(6):
        asda(images, parts)
        asda.step(closure)
    assert passes == [2, 2, 5, 5]


def test_accumulated_gradients_are_those_of_the_whole_batch() -> None:
    images, parts, target = small_batch(batch=6)
    generator, network = small_generator(norm=False), small_pose_network(norm=False)
    other_generator, other_network = copy.deepcopy(generator), copy.deepcopy(network)
    whole, pieces = (AdversarialAugmenter(each, preset="paper") for each in (generator, other_generator))
    mse(network, whole(images, parts), target).backward()
    for start in (0, 2, 4):
        piece = type(parts)(*(tensor[start : start + 2] for tensor in parts))
        pasted = pieces(images[start : start + 2], piece)
        (mse(other_network, pasted, target[start : start + 2]) / 3).backward()
    assert_same(gradients(generator), gradients(other_generator), atol=1e-7, rtol=1e-4)
    assert_same(gradients(network), gradients(other_network), atol=1e-7, rtol=1e-4)
    whole.step()
    pieces.step()
    assert_same(weights(generator), weights(other_generator), atol=2e-4, rtol=1e-3)


@pytest.mark.parametrize("valid", ["none", "some"])
def test_samples_without_a_part(valid: str) -> None:
    images, parts, target = small_batch()
    parts.valid[: 4 if valid == "none" else 2] = False
    asda = AdversarialAugmenter(small_generator(), preset="paper")
    network = small_pose_network()
    pasted = asda(images, parts)
    assert torch.equal(pasted[:2], images[:2])
    mse(network, pasted, target).backward()
    slopes = gradients(asda.generator)
    assert slopes.keys() == dict(asda.generator.named_parameters()).keys()
    assert any(slope.any() for slope in slopes.values()) == (valid == "some")
    asda.step()
    for tensor in weights(asda.generator).values():
        assert tensor.isfinite().all()


def test_stacked_networks_in_any_memory_format() -> None:
    images, parts, target = small_batch()
    network = small_pose_network()
    stacked = torch.nn.ModuleList([network, copy.deepcopy(network)])
    asda = AdversarialAugmenter(small_generator(), preset="paper")
    pasted = asda(images.contiguous(memory_format=torch.channels_last), parts)
    outputs = [each(pasted) for each in stacked]
    sum(functional.mse_loss(output, target) for output in outputs).backward()
    once = gradients(asda.generator)
    asda.optimizer.zero_grad()
    mse(network, asda(images, parts), target).backward()
    # The second network is a copy of the first: twice the loss, twice the gradient.
    doubled = {name: 2 * slope for name, slope in gradients(asda.generator).items()}
    assert_same(once, doubled, atol=1e-6, rtol=1e-3)


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")  # torch.compile looks at it
def test_a_compiled_pose_network_gives_the_same_gradients() -> None:
    images, parts, target = small_batch()
    generator, network = small_generator(), small_pose_network()
    other_generator = copy.deepcopy(generator)
    compiled = torch.compile(copy.deepcopy(network), backend="aot_eager")
    for each, player in ((network, generator), (compiled, other_generator)):
        asda = AdversarialAugmenter(player, preset="paper")
        mse(each, asda(images, parts), target).backward()
    assert_same(gradients(generator), gradients(other_generator), atol=1e-7, rtol=1e-4)


def test_bfloat16_autocast() -> None:
    images, parts, target = small_batch()
    generator, network = small_generator(), small_pose_network()
    asda, optimizer = AdversarialAugmenter(generator, preset="paper"), torch.optim.Adam(network.parameters())
    before = weights(generator)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        pasted = asda(images, parts)
        loss = functional.mse_loss(network(pasted).float(), target)
    assert pasted.dtype == torch.float32
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    asda.step()
    assert any(not torch.equal(tensor, before[name]) for name, tensor in weights(generator).items())


@pytest.mark.parametrize("mode", ["one-pass", "alternate"])
def test_a_grad_scaler_changes_nothing(mode: Any) -> None:
    results = []
    for scale in (None, 2.0**10):
        generator, network = small_generator(), small_pose_network()
        asda = AdversarialAugmenter(generator, preset="paper", mode=mode, discriminator=network)
        optimizer = torch.optim.SGD(network.parameters(), 0.1)
        scaler = torch.amp.GradScaler("cpu", init_scale=scale or 1.0, enabled=scale is not None)
        for seed in range(3):
            images, parts, target = small_batch(seed)
            loss = mse(network, asda(images, parts), target)
            optimizer.zero_grad()
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            asda.step(partial(mse, network, target=target), scaler=scaler)
            scaler.update()
        results.append((weights(generator), weights(network)))
    for one, other in zip(*results, strict=True):
        assert_same(one, other, atol=1e-5, rtol=1e-3)


def test_an_inf_skips_the_generator_alone() -> None:
    images, parts, target = small_batch()
    generator, network = small_generator(), small_pose_network()
    asda, optimizer = AdversarialAugmenter(generator, preset="paper"), torch.optim.SGD(network.parameters(), 0.1)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0)
    loss = mse(network, asda(images, parts), target)
    scaler.scale(loss).backward()
    generator.head.weight.grad[0, 0] = float("inf")
    before, other = weights(generator), weights(network)
    scaler.step(optimizer)
    asda.step(scaler=scaler)
    scaler.update()
    assert_same(weights(generator), before)
    assert any(not torch.equal(tensor, other[name]) for name, tensor in weights(network).items())
    assert scaler.get_scale() == 1.0


@pytest.mark.parametrize("mode", ["one-pass", "alternate"])
def test_training_resumes_to_the_same_numbers(mode: Any, tmp_path: Any) -> None:
    def players() -> Any:
        network = small_pose_network()
        asda = AdversarialAugmenter(
            small_generator(), mode=mode, discriminator=network, teacher=True, replay=2, replay_every=2, warmup=5,
            max_loss=None, seed=4,
        )  # fmt: skip
        return asda, network, torch.optim.Adam(network.parameters())

    straight, resumed = players(), players()
    for seed in range(10):
        train(*straight, small_batch(seed))
        if seed < 5:
            train(*resumed, small_batch(seed))
    asda, network, optimizer = resumed
    torch.save(
        {"asda": asda.state_dict(), "network": network.state_dict(), "d": optimizer.state_dict()}, tmp_path / "s"
    )
    state = torch.load(tmp_path / "s", weights_only=True)
    asda, network, optimizer = players()
    asda.load_state_dict(state["asda"])
    network.load_state_dict(state["network"])
    optimizer.load_state_dict(state["d"])
    for seed in range(5, 10):
        train(asda, network, optimizer, small_batch(seed))
    assert_same(weights(asda.generator), weights(straight[0].generator))
    assert_same(weights(network), weights(straight[1]))
    assert_same(weights(asda.teacher), weights(straight[0].teacher))
    assert asda.steps == 10


def test_a_state_for_other_classes_is_refused() -> None:
    asda = AdversarialAugmenter(small_generator())
    other = AdversarialAugmenter(Generator(("hat", "face"), input_size=(32, 32)))
    with pytest.raises(CheckpointError, match="the state is for 2 classes"):
        asda.load_state_dict(other.state_dict())
    with pytest.raises(CheckpointError, match="the state is for 0 classes"):
        asda.load_state_dict({})


def test_the_generator_follows_the_images_to_their_precision() -> None:
    images, parts, target = small_batch()
    asda = AdversarialAugmenter(small_generator(), preset="paper")
    pasted = asda(images.double(), parts)
    assert pasted.dtype == torch.float64
    mse(small_pose_network().double(), pasted, target.double()).backward()
    asda.step()


def test_without_gradients_it_only_pastes() -> None:
    images, parts, _ = small_batch()
    asda = AdversarialAugmenter(small_generator(), preset="paper")
    with torch.no_grad():
        pasted = asda(images, parts)
    assert not pasted.requires_grad
    assert not torch.equal(pasted, images)
    asda.step()  # nothing to learn from, nothing wrong


def test_step_without_backward_is_an_error() -> None:
    images, parts, target = small_batch()
    network = small_pose_network()
    asda = AdversarialAugmenter(small_generator(), preset="paper")
    with pytest.raises(RuntimeError, match="needs a batch first"):
        asda.step()
    pasted = asda(images, parts)
    with pytest.raises(RuntimeError, match=r"found no gradient: call loss.backward\(\)"):
        asda.step()
    mse(network, pasted, target).backward()
    asda.step()
    with pytest.raises(RuntimeError, match="needs a batch first"):
        asda.step()


def test_alternate_needs_its_closure_and_its_discriminator() -> None:
    images, parts, _ = small_batch()
    with pytest.raises(ConfigError, match="alternate mode needs discriminator="):
        AdversarialAugmenter(small_generator(), mode="alternate")
    asda = AdversarialAugmenter(small_generator(), mode="alternate", discriminator=small_pose_network())
    asda(images, parts)
    with pytest.raises(TypeError, match="needs a closure"):
        asda.step()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mode": "both"}, "mode must be 'one-pass' or 'alternate'"),
        ({"preset": "wild"}, "preset must be 'guarded', 'paper' or Guards"),
        ({"nothing": 1}, "there is no option nothing; guards have: clean"),
        ({"clean": 0.8, "random": 0.3}, "clean and random must be shares"),
        ({"every": 0}, "every must be at least 1"),
        ({"clip": -1.0}, "clip must be positive or None"),
        ({"replay_share": 2.0}, "replay_share must lie in"),
        ({"ng": 0}, "ng and nd must be at least 1"),
        ({"teacher": True}, "a teacher needs discriminator="),
    ],
)
def test_wrong_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        AdversarialAugmenter(small_generator(), **options)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda i, p: ((i * 50 + 120).to(torch.uint8), p), TypeError, "images must be floating and normalised"),
        (lambda i, p: (i * 60 + 120, p), ValueError, r"images must be normalised as the parts say \(mean \[0.48"),
        (lambda i, p: (i[:3], p), ValueError, "must be of the same batch"),
        (
            lambda i, p: (i, p._replace(class_id=p.class_id + 6)),
            ValueError,
            "of the generator's 6 classes",
        ),
        (lambda i, p: (i, p._replace(patch=p.patch.float())), TypeError, "parts.patch must be uint8"),
    ],
)
def test_bad_batches(change: Any, error: type[Exception], message: str) -> None:
    images, parts, _ = small_batch()
    with pytest.raises(error, match=message):
        AdversarialAugmenter(small_generator(), preset="paper")(*change(images, parts))


def test_it_says_once_that_losses_are_not_observed() -> None:
    images, parts, target = small_batch()
    network = small_pose_network()
    asda, optimizer = AdversarialAugmenter(small_generator()), torch.optim.Adam(network.parameters())
    with pytest.warns(UserWarning, match="was not called before backward"):
        train(asda, network, optimizer, (images, parts, target))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        train(asda, network, optimizer, (images, parts, target))


def test_observed_losses_must_be_one_per_sample() -> None:
    images, parts, _ = small_batch()
    asda = AdversarialAugmenter(small_generator())
    with pytest.raises(RuntimeError, match=r"call asda\(images, parts\) first"):
        asda.observe(torch.zeros(4))
    asda(images, parts)
    with pytest.raises(ValueError, match=r"loss_per_sample must have shape \(4,\), but got \(\)"):
        asda.observe(torch.zeros(()))


def test_classes_without_parts_are_never_moved() -> None:
    rng = np.random.default_rng(0)
    parts = random_parts(rng, SHAPE, batch=4, side=32, scale=(0.4, 0.8), classes=1)
    images, _, target = small_batch()
    generator, network = small_generator(), small_pose_network()
    asda = AdversarialAugmenter(generator, preset="paper")
    before = weights(generator)["head.weight"]
    mse(network, asda(images, parts), target).backward()
    asda.step()
    moved = (weights(generator)["head.weight"] != before).flatten(1).any(dim=1).view(len(CLASSES), 3).any(dim=1)
    assert moved.tolist() == [True, False, False, False, False, False]
