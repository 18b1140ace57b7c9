"""Batches that do not fit each other or the generator are refused in one sentence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from asda_aug.batch.checks import check_batch, check_classes, check_normalised, per_sample
from part_batches import random_parts

PARTS = random_parts(np.random.default_rng(0), (20, 20), batch=2, number=2, side=32, classes=3)
IMAGES = torch.zeros(2, 3, 20, 20)


def test_what_fits_passes() -> None:
    check_batch(IMAGES, PARTS)
    check_batch(IMAGES.half(), PARTS)
    check_classes(PARTS, 3)
    check_normalised(IMAGES, PARTS, None, None)


@pytest.mark.parametrize(
    ("images", "changes", "error", "message"),
    [
        (IMAGES.byte(), {}, TypeError, "images must be floating and normalised, but got torch.uint8"),
        (IMAGES[0], {}, ValueError, r"images must have shape \(B, 3, H, W\), but got \(3, 20, 20\)"),
        (IMAGES[:1], {}, ValueError, r"parts.valid must have shape \(1, N\) for 1 images, but got \(2, 2\)"),
        (IMAGES, {"patch": PARTS.patch.float()}, TypeError, "parts.patch must be uint8, but got torch.float32"),
        (IMAGES, {"valid": PARTS.valid[0]}, ValueError, "must be of the same batch"),
    ],
)
def test_what_does_not_fit_is_named(images: Any, changes: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        check_batch(images, PARTS._replace(**changes))


def test_only_parts_that_are_there_have_a_class() -> None:
    odd = PARTS._replace(class_id=torch.tensor([[0, 7], [1, 1]]))
    with pytest.raises(ValueError, match="of the generator's 3 classes, but got class_id 7"):
        check_classes(odd, 3)
    check_classes(odd._replace(valid=torch.tensor([[True, False], [True, True]])), 3)
    check_classes(odd._replace(valid=torch.zeros(2, 2, dtype=torch.bool)), 3)


def test_images_on_a_scale_of_255_are_noticed_by_any_normalisation() -> None:
    bytes_like = torch.full((2, 3, 20, 20), 130.0)
    with pytest.raises(ValueError, match=r"must be normalised as the parts say .* but hold values up to 130"):
        check_normalised(bytes_like, PARTS, None, None)
    check_normalised(bytes_like, PARTS, [0.0] * 3, [1 / 255] * 3)


def test_losses_come_one_per_sample_without_their_graph() -> None:
    loss, kind = torch.ones(3, requires_grad=True), torch.zeros(3, dtype=torch.int64)
    assert not per_sample(loss, kind, "loss").requires_grad
    with pytest.raises(ValueError, match=r"loss must have shape \(3,\), but got \(\); use reduction='none'"):
        per_sample(loss.mean(), kind, "loss")
