from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

def paste(
    image: NDArray[Any],
    colour: NDArray[Any],
    mask: NDArray[Any],
    matrix: NDArray[Any],
    soft: bool,
    bgr: bool,
    gain: Sequence[float],
    offset: Sequence[float],
    stack: NDArray[Any] | None,
) -> bool: ...
def shares(
    mask: NDArray[Any], matrix: NDArray[Any], points: NDArray[Any], asked: NDArray[Any], shape: tuple[int, ...]
) -> list[tuple[int, float]]: ...
