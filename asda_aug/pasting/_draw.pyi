from typing import Any

from numpy.typing import NDArray

def paste(
    image: NDArray[Any],
    colour: NDArray[Any],
    mask: NDArray[Any],
    matrix: NDArray[Any],
    soft: bool,
    bgr: bool,
    gain: tuple[float, ...],
    offset: tuple[float, ...],
    stack: NDArray[Any] | None,
) -> bool: ...
def shares(
    mask: NDArray[Any], matrix: NDArray[Any], points: NDArray[Any], asked: NDArray[Any], shape: tuple[int, int]
) -> list[tuple[int, float]]: ...
