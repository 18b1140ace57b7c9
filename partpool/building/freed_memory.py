"""Memory of one picture is taken again for the next."""

from __future__ import annotations

import contextlib
import ctypes
from functools import cache

KEPT = 2**25
"""Bytes of freed memory that a process keeps."""
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Numbers of the GNU C library's ``malloc.h``."""


@cache
def keep_freed_memory() -> None:
    """Let this process keep freed memory instead of giving it back to the system.

    The GNU C library maps every large array anew, and Dask tells it to give freed memory back at once: each array is
    paid with a page fault for every 4 KiB, a quarter of the time of a build.
    """
    # Other C libraries have no such function.
    with contextlib.suppress(AttributeError, TypeError, OSError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(M_TRIM_THRESHOLD, KEPT)
        mallopt(M_MMAP_THRESHOLD, KEPT)
