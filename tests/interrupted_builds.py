"""Builds that end early, for tests of what comes after."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from partpool import build
from partpool.building.report import BuildProgress
from partpool.building.work_unit import UNIT

ITEMS = 70
"""Items of the data set that the fixture ``lip`` makes; two of them are damaged."""
UNITS = -(-ITEMS // UNIT)


class EndError(Exception):
    """Stands for anything that ends a build."""


def interrupt(source: Any, out: Path, after: int, error: type[BaseException] = EndError, **options: Any) -> Path:
    """Build until ``after`` items are done; returns the spool."""

    def stop(progress: BuildProgress) -> None:
        if progress.done - progress.resumed >= after:
            raise error

    with pytest.raises(error):
        build(source, out, on_progress=stop, **options)
    assert not out.exists()
    return out.with_name(out.name + ".spool")
