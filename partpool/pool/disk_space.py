"""Whether there is room on a disk, asked before anything is written."""

from __future__ import annotations

import os
from pathlib import Path

from partpool.errors import OutputError


def check_room(folder: Path, size: float, what: str) -> None:
    """Refuse what cannot fit.

    Args:
        folder: Where it would be written.
        size: Bytes.
        what: Who needs them, such as "the pool needs".

    Raises:
        OutputError: If fewer are free.
    """
    free = free_bytes(folder)
    if free is not None and free < size:
        raise OutputError(
            f"No space left on device for {folder.absolute()}: {what} {megabytes(size)}, but {megabytes(free)} are "
            "free; make room there, or pass another --out"
        )


def free_bytes(folder: Path) -> int | None:
    """Bytes that are free where a folder is; None if that cannot be known."""
    try:
        status = os.statvfs(folder)
    except OSError:
        return None
    # Some network file systems do not tell.
    return status.f_bavail * status.f_frsize if status.f_blocks else None


def megabytes(size: float) -> str:
    """Bytes as people read them."""
    return f"{size / 1e6:,.1f} MB"
