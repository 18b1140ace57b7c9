"""The compiled loop that cuts patches; None where the package was installed without a C compiler.

NumPy and OpenCV then do the same to the same bytes, more slowly.
"""

from __future__ import annotations

try:
    from partpool.cutting import _cut as compiled
except ImportError:
    compiled = None  # type: ignore[assignment]

COMPILED = compiled is not None

__all__ = ["COMPILED", "compiled"]
