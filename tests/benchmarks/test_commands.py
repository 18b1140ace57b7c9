"""Every benchmark can still be started; what it prints is nobody's test."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
SCRIPTS = [path.stem for path in BENCHMARKS.glob("*.py")]
PACKAGES = [path.parent.name for path in BENCHMARKS.glob("*/__main__.py")]


@pytest.mark.parametrize("name", sorted(SCRIPTS + PACKAGES))
def test_it_starts(name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", [name, "--help"])
    with pytest.raises(SystemExit) as end:
        runpy.run_module(f"benchmarks.{name}", run_name="__main__")
    assert end.value.code == 0
    assert capsys.readouterr().out.startswith("usage:")
