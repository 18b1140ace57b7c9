from numpy import uint8
from numpy.typing import NDArray

def cut(
    image: NDArray[uint8], mask: NDArray[uint8], box: tuple[int, int, int, int], patch: NDArray[uint8], /
) -> None: ...
