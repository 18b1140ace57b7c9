"""Generator files: safetensors, which hold numbers and text and cannot execute code."""

from __future__ import annotations

import json
import os
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from asda_aug.errors import CheckpointError

FORMAT, VERSION = "asda-generator", 1
FIELDS: Mapping[str, type | tuple[type, ...]] = {
    "classes": list, "input_size": (str, list), "ranges": list, "mean": list, "std": list, "bgr": bool, "backbone": str,
}  # fmt: skip
"""What a file says of its generator."""


def write_checkpoint(path: str | os.PathLike[str], weights: Mapping[str, Tensor], described: Mapping[str, Any]) -> None:
    """Write a file beside its place and rename it there, so that it is whole or not there.

    Raises:
        OSError: If it cannot be written.
    """
    path = Path(path)
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}
    data = save(tensors, {"format": FORMAT, "version": str(VERSION), "generator": json.dumps(described)})
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        try:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            os.replace(file.name, path)  # noqa: PTH105
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise


def read_checkpoint(path: str | os.PathLike[str]) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Weights, and what the file says of its generator.

    Raises:
        CheckpointError: If it is missing, damaged, no generator, or of another version.
    """
    tensors, metadata = _read_safetensors(path)
    if metadata.get("format") != FORMAT:
        raise CheckpointError(f"{path} holds weights, but no generator of asda_aug; write one with Generator.save")
    if metadata.get("version") != str(VERSION):
        raise CheckpointError(
            f"{path} has version {metadata.get('version')}, but this program reads {VERSION}: pip install -U partpool"
        )
    try:
        described = json.loads(metadata["generator"])
        complete = all(isinstance(described.get(name), kind) for name, kind in FIELDS.items())
    except (KeyError, ValueError, AttributeError):
        complete = False
    if not complete:
        raise CheckpointError(f"{path} does not say what generator it holds; it is damaged, take another copy")
    return tensors, described


def read_weights(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    """A state dict from a safetensors file, or from one that ``torch.save`` wrote.

    Raises:
        CheckpointError: If it is missing, damaged, or holds anything but named tensors.
    """
    if Path(path).suffix == ".safetensors":
        return _read_safetensors(path)[0]
    try:
        with warnings.catch_warnings():
            # About odd pickles, which are refused anyway.
            warnings.simplefilter("ignore")
            state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise CheckpointError(f"there is no file {path}") from None
    # What PyTorch raises on damaged files is not documented.
    except Exception as error:
        reason = str(error).partition("\n")[0]
        raise CheckpointError(f"{path} cannot be read as a file of weights: {reason}") from None
    if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
        raise CheckpointError(f"{path} must hold a state dict of tensors, but holds {type(state).__name__}")
    return dict(state)


def _read_safetensors(path: str | os.PathLike[str]) -> tuple[dict[str, Tensor], dict[str, str]]:
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except FileNotFoundError:
        raise CheckpointError(f"there is no file {path}") from None
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} is damaged or no safetensors file: {error}") from None
