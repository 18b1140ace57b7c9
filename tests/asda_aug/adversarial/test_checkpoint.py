"""Damaged files of weights end in weights or in one error, whatever PyTorch makes of them."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from asda_aug.adversarial.checkpoint import read_weights
from asda_aug.errors import CheckpointError


def saved() -> bytes:
    file = io.BytesIO()
    torch.save({"last": torch.arange(12.0).reshape(3, 4), "count": torch.zeros(())}, file)
    return file.getvalue()


@settings(max_examples=200, deadline=None)
@given(place=st.floats(0, 0.999), patch=st.binary(max_size=20), cut=st.integers(0, 20))
def test_any_damage_ends(tmp_path_factory: pytest.TempPathFactory, place: float, patch: bytes, cut: int) -> None:
    data = saved()
    offset = int(place * len(data))
    path = tmp_path_factory.mktemp("weights") / "weights.pth"
    path.write_bytes(data[:offset] + patch + data[offset + cut :])
    with contextlib.suppress(CheckpointError):
        assert all(isinstance(value, torch.Tensor) for value in read_weights(path).values())


@pytest.mark.parametrize("data", [b"", b"u.", b"\x80\x02e.", b"PK\x03\x04", b"cos\nsystem\n(S'true'\ntR."])
def test_what_is_no_file_of_weights(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "weights.pth").write_bytes(data)
    with pytest.raises(CheckpointError, match="cannot be read as a file of weights"):
        read_weights(tmp_path / "weights.pth")
