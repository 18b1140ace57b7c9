"""What is fuzzed: code that reads files of one kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path


@dataclass
class Target:
    """Code that reads files of one kind.

    Attributes:
        make: Makes good files.
        read: Reads one, which lies in an empty folder where it may write.
        ending: Of the file's name.
        words: Pieces of text that mean something to it.
    """

    make: Callable[[], tuple[bytes, ...]]
    read: Callable[[Path], object]
    ending: str
    words: tuple[bytes, ...] = ()

    @cached_property
    def seeds(self) -> tuple[bytes, ...]:
        """Good files."""
        return self.make()
