"""Fields go back in the types that they came in, and nothing is changed in place."""

from __future__ import annotations

from collections import OrderedDict, namedtuple
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
import torch

from asda_aug.adapters.containers import (
    like_numbers,
    like_sequence,
    to_array,
    with_empty_maps,
    with_fields,
    with_zeros,
)
from asda_aug.errors import AdapterError

Pair = namedtuple("Pair", "one other")


class Named(torch.Tensor):
    """A tensor of a class of its own, as ``tv_tensors`` are."""


FORMS: dict[str, Any] = {
    "array": np.array([[1, 2], [3, 4]], np.int16),
    "tensor": torch.tensor([[1.0, 2], [3, 4]], dtype=torch.float16),
    "tensor of a class": torch.tensor([[1.0, 2], [3, 4]]).as_subclass(Named),
    "learnt": torch.tensor([[1.0, 2], [3, 4]], requires_grad=True),
    "lists": [[1, 2], (3.0, 4)],
    "named": Pair([1, 2], [3, 4]),
}


@pytest.mark.parametrize("name", FORMS)
def test_there_and_back_is_the_same(name: str) -> None:
    original = FORMS[name]
    array = to_array(original)
    assert array.tolist() == [[1, 2], [3, 4]]
    back = like_numbers(original, array)
    assert type(back) is type(original)
    assert to_array(back).tolist() == array.tolist()
    if hasattr(original, "dtype"):
        assert back.dtype == original.dtype


@pytest.mark.parametrize("name", FORMS)
def test_zeros_go_into_a_copy(name: str) -> None:
    original = FORMS[name]
    assert with_zeros(original, np.array([False, False])) is original
    changed = with_zeros(original, np.array([False, True]))
    assert to_array(changed).tolist() == [[1, 2], [0, 0]]
    assert to_array(original).tolist() == [[1, 2], [3, 4]]
    assert type(changed) is type(original)


@pytest.mark.parametrize(("original", "kind"), [((1, 2), tuple), ([1, 2], list), (Pair(1, 2), Pair)])
def test_sequences_keep_their_type(original: Any, kind: type) -> None:
    again = like_sequence(original, [5, 6])
    assert type(again) is kind
    assert list(again) == [5, 6]


@pytest.mark.parametrize("mapping", [{"a": 1}, OrderedDict(a=1), MappingProxyType({"a": 1})])
def test_fields_go_into_a_copy_of_the_mapping(mapping: Any) -> None:
    changed = with_fields(mapping, {"a": 2, "b": 3})
    assert dict(changed) == {"a": 2, "b": 3}
    assert dict(mapping) == {"a": 1}
    assert type(changed) is (dict if isinstance(mapping, MappingProxyType) else type(mapping))


def test_maps_of_a_joint_may_be_several_in_a_row_or_at_several_stages() -> None:
    maps, joints = np.ones((6, 2, 2)), np.array([False, True, False])
    emptied = with_empty_maps([maps, torch.ones(3, 2, 2)], joints)
    assert emptied[0].any(axis=(1, 2)).tolist() == [True, True, False, False, True, True]
    assert emptied[1].flatten(1).any(dim=1).tolist() == [True, False, True]
    assert maps.all()
    with pytest.raises(AdapterError, match="4 target maps do not fit 3 joints"):
        with_empty_maps(np.ones((4, 2, 2)), joints)
