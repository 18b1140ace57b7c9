from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from asda_aug.pasting import compiled
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
    if request.param == "compiled" and not compiled.COMPILED:
        pytest.skip("the loops are not compiled here: install with a C compiler at hand")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiled, "COMPILED", request.param == "compiled")
        yield request.param
