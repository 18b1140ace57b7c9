from __future__ import annotations

from pathlib import Path

import pytest

from partpool import Part, PartPool


@pytest.fixture(scope="session")
def parts(pool: Path) -> PartPool:
    """The pool of six synthetic people, opened."""
    return PartPool(pool)


@pytest.fixture(scope="session")
def shared_pool_part(parts: PartPool) -> Part:
    """A stored part with real colour extension: an upper body."""
    return parts[int(parts.indices("upper-clothes")[0])]
