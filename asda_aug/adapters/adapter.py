"""What an adapter is: how samples of one structure are read, and written back changed.

One of your own takes two methods::

    class MyAdapter(Adapter):
        def read(self, sample):
            return Scene(sample["rgb"], sample["joints"], visible=sample["seen"] > 0)

        def write(self, sample, scene):
            seen = torch.as_tensor(scene.visible[0]).to(sample["seen"])  # a tensor of the same kind as it was
            return {**sample, "rgb": scene.image, "seen": seen}


    train = ASDADataset(base, "pool.h5", adapter=MyAdapter())

``scene.labelled`` and ``scene.visible`` are bool [P, K] for P people, also if there is one. Samples that are left
alone do not pass through ``write``, so it gives fields back in the type that they had.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Protocol, runtime_checkable

from asda_aug.scene.scene import Scene


class Adapter(ABC):
    """Reads and writes samples of one structure; :meth:`read` and :meth:`write` are all that it needs.

    Attributes:
        for_keypoints: What a user can do if no keypoints are found where they are expected, for warnings.
    """

    for_keypoints: str = ""

    @abstractmethod
    def read(self, sample: Any) -> Scene:
        """What is on the sample, which it must not change."""

    @abstractmethod
    def write(self, sample: Any, scene: Scene) -> Any:
        """A sample like ``sample`` with the scene's image, and its flags where they have changed; ``sample`` stays.

        With ``inplace=True`` the scene's image may be that of ``sample``, pasted over.
        """

    def recognises(self, sample: Any) -> bool:
        """Whether it can read the sample; else it reads all."""
        del sample
        return True

    def attach(self, sample: Any, name: str, value: Any) -> Any:
        """The sample with an extra field (deferred parts, the paste mask); else ``(sample, value)``."""
        del name
        return sample, value

    def with_place_for_marks(self, sample: Any) -> Any:
        """The sample with an empty field for marked keypoints, where samples need one all or none; else as it is."""
        return sample


@runtime_checkable
class ReadsAndWrites(Protocol):
    """What serves as an adapter without being an :class:`Adapter`."""

    def read(self, sample: Any) -> Scene:
        """What is on the sample."""
        ...

    def write(self, sample: Any, scene: Scene) -> Any:
        """The sample with what is on the scene."""
        ...


class ForeignAdapter(Adapter):
    """An object that has ``read`` and ``write`` as an :class:`Adapter`; its other methods are used if it has them.

    Args:
        own: The object.
    """

    def __init__(self, own: ReadsAndWrites) -> None:
        self._own = own
        self.for_keypoints = getattr(own, "for_keypoints", self.for_keypoints)

    def read(self, sample: Any) -> Scene:
        """What the object's ``read`` finds."""
        return self._own.read(sample)

    def write(self, sample: Any, scene: Scene) -> Any:
        """What the object's ``write`` makes."""
        return self._own.write(sample, scene)

    def recognises(self, sample: Any) -> bool:
        """What the object says, else yes."""
        return getattr(self._own, "recognises", super().recognises)(sample)

    def attach(self, sample: Any, name: str, value: Any) -> Any:
        """The field where the object puts it, else beside the sample."""
        return getattr(self._own, "attach", super().attach)(sample, name, value)

    def with_place_for_marks(self, sample: Any) -> Any:
        """The sample with the place that the object makes, else as it is."""
        return getattr(self._own, "with_place_for_marks", super().with_place_for_marks)(sample)
