"""What the adapters of this package share."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from asda_aug.adapters.adapter import Adapter
from asda_aug.adapters.hints import Hints


class BuiltInAdapter(Adapter):
    """An adapter that goes by the structure of samples, and by hints for what they do not say.

    Args:
        hints: How images are stored and joints are called.
    """

    def __init__(self, hints: Hints) -> None:
        self._hints = hints

    @abstractmethod
    def recognises(self, sample: Any) -> bool:
        """Whether the sample has the adapter's structure."""
