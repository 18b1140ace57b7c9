"""The one switch between the compiled loop that cuts patches and NumPy with OpenCV, which give the same bytes."""

from __future__ import annotations

try:
    from partpool.cutting import _cut as loops
except ImportError:
    # Installed without a C compiler.
    loops = None  # type: ignore[assignment]

__all__ = ["COMPILED", "loops"]

COMPILED: bool = loops is not None
"""Whether patches are cut by the compiled loop."""
