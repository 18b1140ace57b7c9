"""A pool for all tests of adapters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from partpool import PartPool


@pytest.fixture(scope="session")
def pasting(pool: Path) -> dict[str, Any]:
    """Options for the pool of six people, which lacks some classes."""
    opened = PartPool(pool)
    names = [name for name in opened.taxonomy.names if opened.count(name)]
    return {"pool": opened, "min_parts": 1, "classes": names}
