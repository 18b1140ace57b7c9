from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from partpool import Part, PartPool

# Small tensors are fastest in one thread, and tests of several processes do not fight for cores.
torch.set_num_threads(1)


@pytest.fixture(scope="session")
def parts(pool: Path) -> PartPool:
    """The pool of six synthetic people, opened."""
    return PartPool(pool)


@pytest.fixture(scope="session")
def shared_pool_part(parts: PartPool) -> Part:
    """A stored part with real colour extension: an upper body."""
    return parts[int(parts.indices("upper-clothes")[0])]


@pytest.fixture(params=["compiled", "opencv"], scope="module")
def loops(request: pytest.FixtureRequest) -> Iterator[str]:
    """Pasting with the compiled loops, and without, as where no compiler was at hand."""
    modules = [importlib.import_module(f"asda_aug.pasting.{name}") for name in ("paste", "coverage")]
    with pytest.MonkeyPatch.context() as patch:
        for module in modules:
            if request.param == "opencv":
                patch.setattr(module, "compiled", None)
            elif module.compiled is None:
                pytest.skip("the loops are not compiled here: install with a C compiler at hand")
        yield request.param
