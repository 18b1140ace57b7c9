"""The one switch between the compiled loops over pixels and NumPy and OpenCV, which do the same work more slowly."""

from __future__ import annotations

try:
    from asda_aug.pasting import _draw as loops
except ImportError:
    # Installed without a C compiler.
    loops = None  # type: ignore[assignment]

__all__ = ["COMPILED", "loops"]

COMPILED: bool = loops is not None
"""Whether compiled loops are used, for what they take: bytes and 32-bit floats, edges softened by at most a pixel."""
