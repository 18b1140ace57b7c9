"""Files of generators and of pretrained weights, where PyTorch is installed."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

import torch

from asda_aug.adversarial.checkpoint import write_checkpoint


def generator() -> bytes:
    described = {
        "classes": ["hat"], "input_size": "half", "ranges": [1.0], "mean": [0.5], "std": [0.5], "bgr": False,
        "backbone": "resnet18",
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        write_checkpoint(Path(folder) / "g.safetensors", {"last": torch.arange(12.0).reshape(3, 4)}, described)
        return (Path(folder) / "g.safetensors").read_bytes()


def weights() -> bytes:
    file = io.BytesIO()
    torch.save({"last": torch.arange(12.0).reshape(3, 4), "count": torch.zeros(())}, file)
    return file.getvalue()
