from __future__ import annotations

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
