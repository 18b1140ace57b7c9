"""Everything partpool raises on purpose.

A message says what, where, what was expected, what came, and the cure. Each error also inherits the builtin that a
caller would catch without knowing partpool.
"""

from __future__ import annotations


class PartPoolError(Exception):
    """Base of all errors that partpool raises on purpose."""


class SourceError(PartPoolError, FileNotFoundError):
    """A data set was not found, or what was found is not what was asked for."""


class ConfigError(PartPoolError, ValueError):
    """An option, a taxonomy or a scheme is wrong."""


class PoolError(PartPoolError, ValueError):
    """A pool file is missing, damaged, of another version, or not a pool."""


# In this order __new__ is that of the builtin with the larger object, which Dask's pickling calls.
class PoolNotFoundError(FileNotFoundError, PoolError):
    """There is no pool file at that path."""


class OutputError(PartPoolError, OSError):
    """The output exists already or cannot be written."""


class BuildStoppedError(PartPoolError, RuntimeError):
    """A build gave up because of failed items (``strict`` or ``max_errors``), or because a worker died."""


class FileError(PartPoolError, OSError):
    """A file of a data set is missing or cannot be read.

    Attributes:
        reason: ``"missing"``, ``"unreadable"``, ``"too-large"`` or ``"encrypted"``.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason

    def __reduce__(self) -> tuple[type[FileError], tuple[str, str]]:
        return type(self), (self.reason, str(self))


class ItemError(PartPoolError, ValueError):
    """One item of a data set cannot be used; the rest can.

    Attributes:
        reason: Short stable code, counted per build, such as ``"label-rgb"``.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason

    def __reduce__(self) -> tuple[type[ItemError], tuple[str, str]]:
        return type(self), (self.reason, str(self))


class LabelMapError(ItemError):
    """A label map is missing, unreadable, or does not hold label indexes of its scheme."""


class ImageError(ItemError):
    """A photograph is missing, unreadable, or does not fit its label map."""
