"""Variants of the HRNet tuple."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np
import pytest
import torch

from asda_aug.adapters.hints import Hints
from asda_aug.adapters.hrnet import HRNetAdapter
from asda_aug.errors import AdapterError
from asda_aug_data import MEAN, STD
from asda_aug_samples import JOINTS, V, adapter_for, hrnet, pixels

DROPPED = np.array([True, False, False, True, False])


def dropped(sample: Any) -> Any:
    adapter = HRNetAdapter(Hints(MEAN, STD))
    scene = adapter.read(sample)
    scene.labelled = scene.labelled & ~DROPPED
    return adapter.write(sample, scene)


def test_target_and_weight_are_zero_exactly_where_joints_were_dropped() -> None:
    _, target, weight, meta = hrnet()
    _, new_target, new_weight, new_meta = dropped(hrnet())
    keep = torch.from_numpy(~DROPPED)
    assert torch.equal(new_target, target * keep[:, None, None])
    assert torch.equal(new_weight, weight * keep[:, None])
    np.testing.assert_array_equal(new_meta["joints_vis"], meta["joints_vis"] * ~DROPPED[:, None])
    assert (new_target[DROPPED] == 0).all()
    assert (target[DROPPED] != 0).all()


def test_several_maps_per_joint_lie_side_by_side() -> None:
    target = dropped(hrnet(maps=3 * JOINTS))[1]
    assert (target.reshape(JOINTS, -1) == 0).all(dim=1).tolist() == DROPPED.tolist()


def test_several_stages_come_as_a_list() -> None:
    image, target, weight, meta = hrnet()
    new = dropped((image, [target, target[:, ::2]], weight, meta))[1]
    assert type(new) is list
    assert all((each.flatten(1) == 0).all(dim=1).tolist() == DROPPED.tolist() for each in new)


def test_maps_that_belong_to_no_joint_are_refused() -> None:
    with pytest.raises(AdapterError, match=r"7 target maps do not fit 5 joints, .* pass on_occlusion='keep'"):
        dropped(hrnet(maps=7))


@pytest.mark.parametrize("shape", [(JOINTS,), (JOINTS, 1), (JOINTS, 2)])
def test_flags_of_other_shapes(shape: tuple[int, ...]) -> None:
    image, target, weight, meta = hrnet()
    flags = np.broadcast_to(np.minimum(V, 1).reshape(-1, *[1] * (len(shape) - 1)), shape).copy()
    result = dropped((image, target, weight, {**meta, "joints_vis": flags}))[3]["joints_vis"]
    assert result.shape == shape
    assert (result.reshape(JOINTS, -1)[:, 0] > 0).tolist() == ((V > 0) & ~DROPPED).tolist()


def test_meta_keeps_its_type() -> None:
    *rest, meta = hrnet()
    ordered = OrderedDict(reversed(meta.items()))
    written = dropped((*rest, ordered))[3]
    assert type(written) is OrderedDict
    assert list(written) == list(ordered)


def test_channel_order_comes_from_the_data_set() -> None:
    assert HRNetAdapter(Hints(MEAN, STD)).read(hrnet()).bgr
    assert not HRNetAdapter(Hints(MEAN, STD, bgr=False)).read(hrnet()).bgr


def test_what_looks_similar_is_not_taken_for_it() -> None:
    image, target, weight, meta = hrnet()
    for other in [(image, target, weight), (image, target, weight, {"joints": meta["joints"]}), (pixels(),) * 4]:
        assert not HRNetAdapter(Hints()).recognises(other)


@pytest.mark.parametrize("image", [None, np.zeros((JOINTS, 2), np.float32), "a path"])
def test_what_is_no_image_is_refused_at_once(image: Any) -> None:
    with pytest.raises(AdapterError, match="is no image"):
        adapter_for((image, *hrnet()[1:]))
