from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

def warp(
    colour: NDArray[Any],
    mask: NDArray[Any],
    matrix: tuple[float, ...],
    corner: tuple[int, int],
    bgr: bool,
    out_colour: NDArray[Any],
    out_alpha: NDArray[Any],
) -> None: ...
def soften(alpha: NDArray[Any]) -> None: ...
def blend(
    window: NDArray[Any], colour: NDArray[Any], alpha: NDArray[Any], gain: Sequence[float], offset: Sequence[float]
) -> None: ...
