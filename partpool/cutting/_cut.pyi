from numpy import uint8
from numpy.typing import NDArray

def cut(part: NDArray[uint8], mask: NDArray[uint8], patch: NDArray[uint8], /) -> None: ...
