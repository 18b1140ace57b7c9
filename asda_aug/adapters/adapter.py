"""Reading and writing samples of any data set.

An adapter turns a sample into a :class:`~asda_aug.scene.scene.Scene` and writes a changed scene back. The built-in
ones are recognised by the structure of a sample, never by what is imported. One of your own takes two methods::

    class MyAdapter:
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

from typing import Any, Protocol, runtime_checkable

from asda_aug.scene.scene import Scene


@runtime_checkable
class Adapter(Protocol):
    """Reads and writes samples of one structure.

    A third method, ``attach(sample, name, value) -> sample``, may put an extra field (deferred parts, the paste mask)
    into the sample; without it the sample becomes ``(sample, value)``. A fourth, ``recognises(sample) -> bool``, may
    say which samples it can read; without it it must read all. An attribute ``for_keypoints`` may say what to do if it
    finds none where they are expected, for warnings.
    """

    def read(self, sample: Any) -> Scene:
        """What is on the sample. Must not change it."""
        ...

    def write(self, sample: Any, scene: Scene) -> Any:
        """A sample like ``sample`` with the scene's image, and its flags where they have changed; ``sample`` stays.

        With ``inplace=True`` the scene's image may be that of ``sample``, pasted over.
        """
        ...


def with_place_for_marks(adapter: Adapter, sample: Any) -> Any:
    """The sample with an empty field for marked keypoints, where its structure needs one that not all samples have."""
    method = getattr(adapter, "with_place_for_marks", None)
    return sample if method is None else method(sample)


def attach(adapter: Adapter, sample: Any, name: str, value: Any) -> Any:
    """The sample with an extra field, where its adapter puts it."""
    method = getattr(adapter, "attach", None)
    return (sample, value) if method is None else method(sample, name, value)
