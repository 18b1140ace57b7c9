"""The compiled loop and its twin."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from partpool import build, find_lip
from partpool.cutting.compiled import COMPILED


def fingerprint(path: Path) -> str:
    return hashlib.blake2b(path.read_bytes()).hexdigest()


def test_same_bytes_without_a_compiler(people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever builds a shard, and how partpool was installed there, does not show."""
    if not COMPILED:
        pytest.skip("partpool.cutting._cut is not built: there was no C compiler when partpool was installed")
    build(find_lip(people), tmp_path / "compiled.h5", codec="raw", max_side=77)
    monkeypatch.setattr("partpool.cutting.compiled.COMPILED", False)
    build(find_lip(people), tmp_path / "plain.h5", codec="raw", max_side=77)
    assert fingerprint(tmp_path / "compiled.h5") == fingerprint(tmp_path / "plain.h5")
