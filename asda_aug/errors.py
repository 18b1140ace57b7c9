"""What ``asda_aug`` raises on purpose, besides partpool's own ``ConfigError`` and ``PoolError``.

A message says what, where, what was expected, what came, and the cure.
"""

from __future__ import annotations

from partpool.errors import PartPoolError


class AdapterError(PartPoolError, TypeError):
    """A sample cannot be read: it has no known structure, or something in it is not what its structure promises."""


class CheckpointError(PartPoolError, ValueError):
    """A generator checkpoint is damaged, of another version, or for other classes."""


class MissingTorchError(PartPoolError, ImportError):
    """A name was used that needs PyTorch, which is not installed."""
