"""Errors travel between processes whole, and are caught by who knows nothing of partpool."""

from __future__ import annotations

import inspect
import pickle

import pytest

from partpool import errors
from partpool.errors import FileError, ImageError, ItemError, LabelMapError, PartPoolError

ALL = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, PartPoolError)]
WITH_REASON = (FileError, ImageError, ItemError, LabelMapError)


@pytest.mark.parametrize("kind", [kind for kind in ALL if kind is not PartPoolError])
def test_each_inherits_a_builtin_that_callers_catch(kind: type[PartPoolError]) -> None:
    assert issubclass(kind, (ValueError, OSError, RuntimeError))


@pytest.mark.parametrize("kind", ALL)
def test_workers_hand_them_back_whole(kind: type[PartPoolError]) -> None:
    error = kind("missing", "it is missing") if kind in WITH_REASON else kind("it is missing")  # type: ignore[call-arg]
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    # Dask's pickling makes them without __init__.
    assert isinstance(kind.__new__(kind, *error.args), kind)
    assert str(again) == "it is missing"
    assert getattr(again, "reason", None) == ("missing" if kind in WITH_REASON else None)
