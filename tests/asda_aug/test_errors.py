"""Errors are caught as what a caller would expect."""

from __future__ import annotations

import pytest

from asda_aug.errors import AdapterError, CheckpointError, MissingTorchError
from partpool.errors import PartPoolError


@pytest.mark.parametrize(
    ("kind", "builtin"), [(AdapterError, TypeError), (CheckpointError, ValueError), (MissingTorchError, ImportError)]
)
def test_each_is_one_of_ours_and_of_pythons(kind: type[Exception], builtin: type[Exception]) -> None:
    assert issubclass(kind, PartPoolError)
    assert issubclass(kind, builtin)
    assert str(kind("what, where and the cure")) == "what, where and the cure"
