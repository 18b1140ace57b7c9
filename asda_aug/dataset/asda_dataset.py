"""Any map-style data set, with something pasted over its people."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Sequence
from operator import index as as_index
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.utils.data import Dataset

from asda_aug.adapters.adapter import Adapter, attach, with_place_for_marks
from asda_aug.adapters.auto import fitting_adapter
from asda_aug.adapters.hints import find_hints, merge_hints, unwrapped
from asda_aug.dataset.deferral import check_colours, check_deferral, part_batch
from asda_aug.dataset.first_sample import check_base, probe, warn
from asda_aug.dataset.ownership import is_unshared, keeps_nothing
from asda_aug.dataset.shared_counters import EpochCounter, Tally, checked_epoch
from asda_aug.errors import AdapterError
from asda_aug.occluders.occluder import Occluder, Paste
from asda_aug.occluders.paste_parts import PasteParts, paste_parts
from asda_aug.sampling.schedule import Probability, Schedule
from asda_aug.sampling.seeds import fresh_seed, random_state_kept, sample_generator
from asda_aug.scene.scene import Scene
from partpool.errors import ConfigError
from partpool.pool.reader import PartPool

PathLike = str | os.PathLike[str]
SKIPS = ("chance", "closed", "skipped", "empty", "off-image")
"""Why nothing was pasted: ``p``; the last epochs; ``skip``; nothing was drawn, for want of a person, a keypoint or by
``num_parts``; it fell beside the image."""


class _Drawn(NamedTuple):
    """What is to be done with a sample.

    Attributes:
        adapter: What reads and writes it.
        scene: What was read.
        inplace: Whether its image may be written over.
        reason: Why nothing was drawn, if that was not by chance.
        labelled: Number of its labelled keypoints.
        pastes: What was drawn.
    """

    adapter: Adapter
    scene: Scene
    inplace: bool
    reason: str | None
    labelled: int
    pastes: list[Paste]

    def load(self) -> None:
        """Read the pixels of the parts."""
        for paste in self.pastes:
            paste.part.load()


class ASDADataset(Dataset[Any]):
    """Wraps a data set; its samples come back as they were, but for what was pasted (SDA, ASDA §3.1).

    A sample is a function of (seed, epoch, index) and of what ``base`` returns, whatever worker makes it. Until
    :meth:`set_epoch` is called, the epoch of a sample is the number of times its index was read before.

    Attributes of ``base`` can be read from the wrapper. Wrapped once more, with the same seed or another, samples get
    pastes that do not depend on the first ones.

    Args:
        base: Any map-style data set. One sample of it is read here, to find out how it is made.
        pool: A pool, the path of its file or of several; or an :class:`~asda_aug.occluders.occluder.Occluder` such as
            :class:`~asda_aug.occluders.ror.ROR`, :class:`~asda_aug.occluders.cutout.Cutout` or a ready
            :class:`~asda_aug.occluders.paste_parts.PasteParts`.
        p: Probability that a sample is touched: a number, points (epoch, p) or a function of the epoch. An occluder's
            own ``p`` comes on top.
        epochs: Number of epochs of the training; needed for ``close_last_epochs``.
        close_last_epochs: Epochs at the end in which nothing is touched.
        skip: Called with a sample of ``base``; those for which it is true are left alone.
        seed: Where all randomness starts; None draws one from PyTorch's generator. It is kept in ``seed``.
        inplace: Whether to paste into the image that ``base`` returned instead of a copy of it. None does so where
            nobody else holds it (:mod:`asda_aug.dataset.ownership`) and adapter, occluder and placer are of this
            package. True is for data sets that make every image afresh, as those do that decode files; one that keeps
            its images would keep them pasted.
        defer: Paste nothing, but add the drawn parts as ``asda`` (:class:`~asda_aug.batch.part_batch.PartBatch`), for
            :func:`~asda_aug.compose` on the device.
        tile: With ``defer``, side of the tiles that parts travel in, in pixels.
        mask: Add the soft coverage of what was pasted as ``asda_mask``, float32 [H, W].
        adapter: ``"auto"``, the name of a built-in adapter, or an adapter (see :mod:`asda_aug.adapters`).
        mean: What was subtracted from the colours in [0, 1] of a normalised image; None looks into ``base``.
        std: What they were then divided by; None looks into ``base``.
        bgr: Whether channels are BGR; None looks into ``base`` and goes by the adapter.
        skeleton: ``"coco"``, ``"mpii"``, ``"lsp"``, ``"crowdpose"`` or keypoint names in order; None goes by ``base``
            or the number of keypoints.
        photograph: Whether images are whole photographs rather than crops around one person; None goes by the adapter.
        **options: Of :class:`~asda_aug.occluders.paste_parts.PasteParts`: ``num_parts``, ``classes``, ``sampler``,
            ``placer``, ``align``, ``flip``, ``feather``, ``blend``, ``on_occlusion``, ``person`` ….

    Attributes:
        base: The wrapped data set.
        occluder: What is pasted.
        seed: Where all randomness starts.

    Raises:
        AdapterError: If a sample of ``base`` has no known structure.
        ConfigError: If an option is wrong.
        PoolError: If the pool cannot be read.
    """

    def __init__(
        self,
        base: Any,
        pool: Occluder | PartPool | PathLike | Sequence[PathLike],
        *,
        p: Probability = 1.0,
        epochs: int | None = None,
        close_last_epochs: int = 0,
        skip: Callable[[Any], bool] | None = None,
        seed: int | None = None,
        inplace: bool | None = None,
        defer: bool = False,
        tile: int = 192,
        mask: bool = False,
        adapter: Adapter | str = "auto",
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        bgr: bool | None = None,
        skeleton: str | Sequence[str] | None = None,
        photograph: bool | None = None,
        **options: Any,
    ) -> None:
        check_base(base)
        self.base = base
        self.occluder = pool if isinstance(pool, Occluder) else paste_parts(pool, options)
        if isinstance(pool, Occluder) and options:
            raise ConfigError(f"pass {', '.join(options)} to {type(pool).__name__}, not beside it")
        if skip is not None and not callable(skip):
            raise ConfigError(f"skip must be a function of a sample, but got {skip!r}")
        self.schedule = Schedule(p, epochs, close_last_epochs)
        self.skip = skip
        self.seed = fresh_seed() if seed is None else as_index(seed)
        self._depth = _wrappings(base)
        self.inplace = inplace
        watchers = self.occluder, getattr(self.occluder, "placer", self.occluder)
        self._may_count = not defer and all(keeps_nothing(type(each)) for each in watchers)
        self.defer = defer
        self.mask = mask
        self.tile = tile
        if defer:
            check_deferral(self.occluder, tile, mask, inplace is True)
        if self.schedule.never or self.occluder.p == 0:
            warn("p is 0 in every epoch, so nothing will ever be pasted")
        self._adapter_choice = self.occluder.adapter if adapter == "auto" else adapter
        self._hints = merge_hints(
            find_hints(base), mean=mean, std=std, bgr=bgr, skeleton=skeleton, photograph=photograph
        )
        self._adapter: Adapter | None = None
        self._counter = EpochCounter(len(base))
        self._tally = Tally(
            ("samples", "keypoints", "covered", *SKIPS)
            + tuple(f"{what}:{name}" for name in self.occluder.names for what in ("pastes", "covered"))
        )
        if len(base):
            with random_state_kept():
                sample = base[0]
                probe(self._find_adapter(sample, 0), sample, self.occluder)
                if defer:
                    check_colours(self._find_adapter(sample, 0).read(sample))

    def __len__(self) -> int:
        return len(self.base)

    def __getitem__(self, index: int) -> Any:
        index = _checked(index, len(self.base))
        held = [self.base[index]]
        return self._finished(held, self._drawn(held, index))

    def __getitems__(self, indices: Sequence[int]) -> list[Any]:
        length = len(self.base)
        indices = [_checked(index, length) for index in indices]
        fetch = getattr(self.base, "__getitems__", None)
        # Decoding photographs drives everything else out of the caches, and decoding parts much of it: one after the
        # other takes twice as long as each in its turn for the whole batch.
        holds = deque(
            [sample] for sample in (fetch(indices) if callable(fetch) else map(self.base.__getitem__, indices))
        )
        if len(holds) != len(indices):
            raise ValueError(f"{type(self.base).__name__} returned {len(holds)} samples for {len(indices)} indices")
        drawn = deque(self._drawn(held, index) for held, index in zip(holds, indices, strict=True))
        for each in drawn:
            if each is not None:
                each.load()
        # Each is let go of: the copy of the next can take its memory.
        return [self._finished(holds.popleft(), drawn.popleft()) for _ in indices]

    def __getattr__(self, name: str) -> Any:
        # While being unpickled there is no base yet.
        if name.startswith("__") or "base" not in self.__dict__:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(self.base, name)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.base!r}, {self.occluder!r}, seed={self.seed})"

    def set_epoch(self, epoch: int) -> None:
        """Make ``epoch`` that of all samples from now on, in living workers too; ``base`` is told, if it can be."""
        self._counter.set_epoch(as_index(epoch))
        base_set_epoch = getattr(self.base, "set_epoch", None)
        if callable(base_set_epoch):
            base_set_epoch(epoch)

    def stats(self) -> dict[str, Any]:
        """What was done so far, in all workers.

        Returns:
            ``samples`` read, ``touched`` and ``pastes``; ``keypoints`` labelled on them and ``covered`` ones;
            ``untouched`` by reason; ``classes``: by class, ``pastes`` and ``covered`` keypoints.
        """
        totals = self._tally.totals()
        untouched = {name: totals[name] for name in SKIPS}
        classes = {
            name: {what: totals[f"{what}:{name}"] for what in ("pastes", "covered")} for name in self.occluder.names
        }
        return {
            "samples": totals["samples"],
            "touched": totals["samples"] - sum(untouched.values()),
            "pastes": sum(each["pastes"] for each in classes.values()),
            "keypoints": totals["keypoints"],
            "covered": totals["covered"],
            "untouched": untouched,
            "classes": classes,
        }

    def describe(self, index: int, epoch: int | None = None) -> list[Paste]:
        """What is pasted over a sample: parts, classes, θ, matrices, covered keypoints. Counts nothing.

        The sample is read again: if ``base`` is itself random, people and keypoints are those of this reading.

        Args:
            index: Of the sample.
            epoch: In which epoch; None is that of :meth:`set_epoch`, or else the one in which it was last read.

        Raises:
            ValueError: If the epoch is negative.
        """
        index = _checked(index, len(self.base))
        epoch = self._counter.last(index) if epoch is None else checked_epoch(epoch)
        with random_state_kept():
            sample = self.base[index]
        rng = sample_generator(self.seed, epoch, index, self._depth)
        if self._untouched(sample, epoch, rng):
            return []
        scene, _ = self._read(self._find_adapter(sample, index), [sample], index)
        pastes = self.occluder.draw(scene, rng)
        self.occluder.apply(scene, pastes)
        return pastes

    def _drawn(self, held: list[Any], index: int) -> _Drawn | None:
        """What is to be pasted over a sample, if anything is to be done with it.

        Args:
            held: The sample; it comes in a list, so that no variable refers to it.
            index: Its index.
        """
        epoch = self._counter.read(index)
        rng = sample_generator(self.seed, epoch, index, self._depth)
        reason = self._untouched(held[0], epoch, rng)
        adapter = self._find_adapter(held[0], index)
        if self.occluder.on_occlusion == "mark":
            held[0] = with_place_for_marks(adapter, held[0])
        if reason and not self.defer and not self.mask:
            self._count(reason)
            return None
        scene, inplace = self._read(adapter, held, index)
        labelled = int(np.count_nonzero(scene.labelled))
        pastes = [] if reason else self.occluder.draw(scene, rng)
        return _Drawn(adapter, scene, inplace, reason, labelled, pastes)

    def _finished(self, held: list[Any], drawn: _Drawn | None) -> Any:
        """The sample with what was drawn pasted over it."""
        sample = held[0]
        if drawn is None:
            return sample
        adapter, scene, inplace, reason, labelled, pastes = drawn
        if self.defer:
            self._count(reason or "empty", pastes, labelled)
            return attach(adapter, sample, "asda", part_batch(scene, pastes, self._max_parts, self.tile))
        self.occluder.apply(scene, pastes, alpha=self.mask, inplace=inplace)
        seen = [paste for paste in pastes if paste.seen]
        self._count(reason or ("off-image" if pastes else "empty"), seen, labelled)
        if seen:
            sample = adapter.write(sample, scene)
        return attach(adapter, sample, "asda_mask", torch.from_numpy(scene.alpha)) if self.mask else sample

    def _untouched(self, sample: Any, epoch: int, rng: np.random.Generator) -> str | None:
        """Why a sample is left alone, if it is."""
        if self.schedule.is_closed(epoch):
            return "closed"
        p = self.schedule(epoch) * self.occluder.p
        if p < 1 and rng.random() >= p:
            return "chance"
        return "skipped" if self.skip is not None and self.skip(sample) else None

    def _count(self, reason: str, pastes: Sequence[Paste] = (), labelled: int = 0) -> None:
        """Count a sample; ``reason`` says why it is as it was, if nothing was pasted."""
        if not pastes:
            self._tally.add([("samples", 1), (reason, 1)])
            return
        covered = {joint for paste in pastes for joint in paste.covered}
        counts = [("samples", 1), ("keypoints", labelled), ("covered", len(covered))]
        for paste in pastes:
            name = paste.part.name
            counts += [(f"pastes:{name}", 1), (f"covered:{name}", len(paste.covered))]
        self._tally.add(counts)

    def _find_adapter(self, sample: Any, index: int) -> Adapter:
        try:
            self._adapter = fitting_adapter(self._adapter, self._adapter_choice, sample, self._hints)
        except AdapterError as error:
            raise AdapterError(f"sample {index} of {type(self.base).__name__}: {error}") from None
        return self._adapter

    def _read(self, adapter: Adapter, held: list[Any], index: int) -> tuple[Scene, bool]:
        """What an adapter reads of a sample, and whether its image may be written over."""
        try:
            scene = adapter.read(held[0])
            inplace = self.inplace
            if inplace is None:
                inplace = self._may_count and keeps_nothing(type(adapter)) and is_unshared(held, scene)
            scene.size  # noqa: B018 - asked for, because it looks whether this is an image
        except (AdapterError, ValueError) as error:
            raise AdapterError(f"sample {index} of {type(self.base).__name__}: {error}") from error
        return scene, inplace

    @property
    def _max_parts(self) -> int:
        assert isinstance(self.occluder, PasteParts), "the constructor has looked"
        return self.occluder.max_parts


def _wrappings(base: Any) -> int:
    """How many wrappers of this kind a data set has, under others such as ``Subset``."""
    return next((1 + each._depth for each in unwrapped(base) if isinstance(each, ASDADataset)), 0)


def _checked(index: int, length: int) -> int:
    number = as_index(index)
    if not -length <= number < length:
        raise IndexError(f"sample {number} of a data set of {length}")
    return number % length
