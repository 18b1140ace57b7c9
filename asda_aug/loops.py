"""The compiled loops over pixels; None where the package was installed without a C compiler.

NumPy and OpenCV then do the same work, more slowly.
"""

from __future__ import annotations

from types import ModuleType

__all__ = ["compiled"]

compiled: ModuleType | None
try:
    from asda_aug import _draw as compiled
except ImportError:
    compiled = None
