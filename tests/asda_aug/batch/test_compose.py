"""The differentiable paste equals the slow, obvious one, however it is grouped, and lets gradients through."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from asda_aug.batch.compose import compose
from oracles.pasting import paste
from part_batches import layers, random_parts, random_theta

MODULE = sys.modules["asda_aug.batch.compose"]
SEEDS = st.integers(0, 2**32 - 1)
GROUPINGS = ("_paste_one_by_one", "_paste_together")
"""How parts are drawn on a CPU, and on an accelerator."""


@pytest.fixture(params=GROUPINGS)
def grouping(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(MODULE, "_paste_one_by_one", getattr(MODULE, request.param))
    return request.param


def images_like(rng: np.random.Generator, parts: Any, shape: tuple[int, int], dtype: Any = torch.float64) -> Any:
    return torch.from_numpy(rng.normal(size=(len(parts.valid), 3, *shape))).to(dtype)


@pytest.mark.parametrize("name", GROUPINGS)
@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, feather=st.sampled_from([0.0, 1.0, 1.4, 2.0, 3.0]), side=st.integers(12, 70))
def test_equals_the_oracle(name: str, seed: int, feather: float, side: int) -> None:
    rng = np.random.default_rng(seed)
    shape = int(rng.integers(5, 60)), int(rng.integers(5, 60))
    parts = random_parts(rng, shape, batch=2, number=int(rng.integers(1, 4)), side=side, scale=(0.75, 2))
    parts = parts._replace(valid=torch.from_numpy(rng.random(parts.valid.shape) < 0.8))
    theta, images = random_theta(rng, parts), images_like(rng, parts, shape)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MODULE, "_paste_one_by_one", getattr(MODULE, name))
        pasted, alpha = compose(images, parts, theta, feather=feather)
    assert pasted.dtype == torch.float64
    assert alpha.shape == (2, 1, *shape)
    for sample in range(2):
        image = images[sample].numpy().transpose(1, 2, 0)
        expected, coverage = paste(image, layers(parts, theta, sample), feather)
        np.testing.assert_allclose(pasted[sample].numpy().transpose(1, 2, 0), expected, atol=5e-5)
        np.testing.assert_allclose(alpha[sample, 0].numpy(), coverage, atol=5e-6)


@settings(max_examples=25, deadline=None)
@given(seed=SEEDS)
@pytest.mark.slow
def test_a_part_far_below_its_tiles_size_is_averaged(seed: int) -> None:
    rng = np.random.default_rng(seed)
    parts = random_parts(rng, (60, 60), side=128, scale=(0.2, 0.34))
    theta, images = random_theta(rng, parts) * 0.7, images_like(rng, parts, (60, 60))
    pasted, alpha = compose(images, parts, theta, feather=0)
    expected, coverage = paste(images[0].numpy().transpose(1, 2, 0), layers(parts, theta, 0), feather=0)
    np.testing.assert_allclose(alpha.sum(), coverage.sum(), rtol=0.02)
    inside = (coverage == 1) & (alpha[0, 0].numpy() == 1)
    error = pasted[0].numpy().transpose(1, 2, 0)[inside] - expected[inside]
    assert np.abs(error).mean() < 0.08  # of a texture as fine as the pixels, with a standard deviation of 0.2


def test_fine_patterns_do_not_alias(grouping: str) -> None:
    rng = np.random.default_rng(0)
    parts = random_parts(rng, (64, 64), side=192, scale=(0.25, 0.25))
    parts.patch[..., :3, :, :] = 255 * (torch.arange(192) % 2)
    theta = torch.tensor([[[1.0, 0.0, 0.0, 0.0]]])
    pasted, alpha = compose(torch.zeros(1, 3, 64, 64), parts, theta, mean=[0.5] * 3, std=[0.5] * 3)
    inside = alpha.expand_as(pasted) == 1
    assert inside.sum() > 300
    assert pasted[inside].abs().max() < 0.02


@settings(max_examples=25, deadline=None)
@given(seed=SEEDS)
def test_all_groupings_are_the_same_at_any_size(seed: int) -> None:
    rng = np.random.default_rng(seed)
    parts = random_parts(rng, (48, 36), batch=3, number=2, side=int(rng.integers(20, 200)), scale=(0.02, 1.5))
    theta, images = random_theta(rng, parts), images_like(rng, parts, (48, 36))
    alone = compose(images, parts, theta)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MODULE, "_paste_one_by_one", MODULE._paste_together)
        together = compose(images, parts, theta)
    for one, other in zip(alone, together, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=0)


def test_gradients_are_those_of_finite_differences(grouping: str) -> None:
    rng = np.random.default_rng(3)
    parts = random_parts(rng, (20, 15), batch=2, number=2, side=24, scale=(0.6, 1.0))
    theta, images = random_theta(rng, parts).double() * 0.6, images_like(rng, parts, (20, 15))
    theta.requires_grad_()
    images.requires_grad_()
    assert torch.autograd.gradcheck(
        lambda i, t: compose(i, parts, t), (images, theta), eps=1e-7, atol=1e-3, fast_mode=True
    )


def test_without_a_part_nothing_changes_and_nothing_is_read(grouping: str) -> None:
    rng = np.random.default_rng(1)
    parts = random_parts(rng, (30, 30), batch=2, number=2)
    parts.valid[0] = False
    for field in (parts.size, parts.diagonal, parts.frame):
        field[0] = 0
    theta, images = random_theta(rng, parts), images_like(rng, parts, (30, 30), torch.float32)
    theta[0] = float("nan")
    theta.requires_grad_()
    pasted, alpha = compose(images, parts, theta)
    assert torch.equal(pasted[0], images[0])
    assert not alpha[0].any()
    pasted.square().sum().backward()
    assert not theta.grad[0].any()
    assert theta.grad[1].any()
    assert theta.grad.isfinite().all()


def test_pixels_beside_the_parts_keep_their_bits(grouping: str) -> None:
    rng = np.random.default_rng(2)
    parts = random_parts(rng, (60, 44), batch=4, side=40, scale=(0.2, 0.8))
    images = images_like(rng, parts, (60, 44), torch.float32)
    pasted, alpha = compose(images, parts, random_theta(rng, parts))
    beside = (alpha == 0).expand_as(images)
    assert beside.any()
    assert not beside.all()
    assert torch.equal(pasted[beside], images[beside])


def test_a_part_off_the_image_is_nothing(grouping: str) -> None:
    rng = np.random.default_rng(4)
    parts = random_parts(rng, (32, 32))
    theta = torch.tensor([[[1.0, 0.3, 9.0, 0.0]]], requires_grad=True)
    images = images_like(rng, parts, (32, 32), torch.float32)
    pasted, alpha = compose(images, parts, theta)
    assert torch.equal(pasted, images)
    assert not alpha.any()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_half_precision_images_are_pasted_in_float32(dtype: Any, grouping: str) -> None:
    rng = np.random.default_rng(5)
    parts = random_parts(rng, (40, 30), batch=2)
    theta, images = random_theta(rng, parts), images_like(rng, parts, (40, 30), dtype)
    expected, _ = compose(images.double(), parts, theta)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        pasted, alpha = compose(images, parts, theta)
    assert pasted.dtype == alpha.dtype == dtype
    torch.testing.assert_close(pasted, expected.to(dtype))


def test_channels_last_images_give_the_same(grouping: str) -> None:
    rng = np.random.default_rng(6)
    parts = random_parts(rng, (40, 30), batch=2)
    theta, images = random_theta(rng, parts), images_like(rng, parts, (40, 30), torch.float32)
    pasted, _ = compose(images.contiguous(memory_format=torch.channels_last), parts, theta)
    torch.testing.assert_close(pasted, compose(images, parts, theta)[0])


def test_mean_and_std_of_the_call_come_before_those_of_the_parts() -> None:
    rng = np.random.default_rng(7)
    parts = random_parts(rng, (40, 30))
    theta = torch.tensor([[[1.0, 0.0, 0.0, 0.0]]])
    raw, alpha = compose(torch.zeros(1, 3, 40, 30), parts, theta, mean=[0.0] * 3, std=[1.0] * 3)
    normalised, _ = compose(torch.zeros(1, 3, 40, 30), parts, theta)
    inside = (alpha == 1).expand_as(raw)
    assert inside.any()
    expected = (raw - parts.mean[0].view(3, 1, 1)) / parts.std[0].view(3, 1, 1)
    torch.testing.assert_close(normalised[inside], expected[inside])


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda i, p, t: (i.to(torch.uint8), p, t), TypeError, "images must be floating and normalised, but got"),
        (lambda i, p, t: (i, p, t.long()), TypeError, "theta must be floating"),
        (lambda i, p, t: (i, p._replace(patch=p.patch.float()), t), TypeError, "patch must be uint8"),
        (lambda i, p, t: (i[:, :1], p, t), ValueError, r"images must have shape \(B, 3, H, W\)"),
        (lambda i, p, t: (i[:1], p, t), ValueError, r"parts.valid must have shape \(1, N\)"),
        (lambda i, p, t: (i, p, t[..., 1:]), ValueError, r"theta must have shape \(2, 1, 4\), but got \(2, 1, 3\)"),
        (lambda i, p, t: (i, p, t * float("nan")), ValueError, "theta must be finite"),
    ],
)  # fmt: skip
def test_errors(change: Any, error: type[Exception], message: str) -> None:
    rng = np.random.default_rng(8)
    parts = random_parts(rng, (20, 20), batch=2)
    with pytest.raises(error, match=message):
        compose(*change(torch.zeros(2, 3, 20, 20), parts, random_theta(rng, parts)))


def test_a_negative_feather_is_refused() -> None:
    rng = np.random.default_rng(9)
    parts = random_parts(rng, (20, 20))
    with pytest.raises(ValueError, match="feather must not be negative"):
        compose(torch.zeros(1, 3, 20, 20), parts, random_theta(rng, parts), feather=-1)
