"""The compiled loops over pixels; None where the package was installed without a C compiler.

NumPy and OpenCV then do the same work, more slowly, as they always do for what these loops do not take.
"""

from __future__ import annotations

try:
    from asda_aug.pasting import _draw as compiled
except ImportError:
    compiled = None  # type: ignore[assignment]

__all__ = ["compiled"]
