"""Any map-style data set, with something pasted over its people."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from operator import index as as_index
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from asda_aug.adapters.adapter import Adapter, ReadsAndWrites
from asda_aug.adapters.auto import AdapterFinder
from asda_aug.adapters.hints import find_hints, merge_hints, unwrapped
from asda_aug.dataset.deferral import check_colours, check_deferral, part_batch
from asda_aug.dataset.drawn_sample import DrawnSample
from asda_aug.dataset.first_sample import check_base, probe, warn
from asda_aug.dataset.shared_counters import EpochCounter, checked_epoch
from asda_aug.dataset.statistics import Statistics
from asda_aug.errors import AdapterError
from asda_aug.occluders.occluder import Occluder, Paste
from asda_aug.occluders.paste_parts import PasteParts, paste_parts
from asda_aug.sampling.schedule import Probability, Schedule
from asda_aug.sampling.seeds import fresh_seed, random_state_kept, sample_generator
from asda_aug.scene.scene import Scene
from partpool.errors import ConfigError
from partpool.pool.reader import PartPool

PathLike = str | os.PathLike[str]


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
        inplace: Whether to paste into the image that ``base`` returned instead of a copy of it. For data sets that make
            every image afresh, as those do that decode files; one that keeps its images would keep them pasted.
        defer: Paste nothing, but add the drawn parts as ``asda`` (:class:`~asda_aug.batch.part_batch.PartBatch`), for
            :func:`~asda_aug.compose` on the device.
        tile: With ``defer``, side of the tiles that parts travel in, in pixels.
        mask: Add the soft coverage of what was pasted as ``asda_mask``, float32 [H, W].
        adapter: ``"auto"``, the name of a built-in adapter, or an :class:`~asda_aug.adapters.adapter.Adapter`.
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
        inplace: bool = False,
        defer: bool = False,
        tile: int = 192,
        mask: bool = False,
        adapter: Adapter | ReadsAndWrites | str = "auto",
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
        self.defer = defer
        self.mask = mask
        self.tile = tile
        if defer:
            check_deferral(self.occluder, tile, mask, inplace)
        if self.schedule.never or self.occluder.p == 0:
            warn("p is 0 in every epoch, so nothing will ever be pasted")
        hints = merge_hints(find_hints(base), mean=mean, std=std, bgr=bgr, skeleton=skeleton, photograph=photograph)
        self._adapters = AdapterFinder(self.occluder.adapter if adapter == "auto" else adapter, hints)
        self._counter = EpochCounter(len(base))
        self._statistics = Statistics(self.occluder.names)
        if len(base):
            with random_state_kept():
                sample = base[0]
                found = self._adapter_of(sample, 0)
                probe(found, sample, self.occluder)
                if defer:
                    check_colours(found.read(sample))

    def __len__(self) -> int:
        return len(self.base)

    def __getitem__(self, index: int) -> Any:
        index = _checked(index, len(self.base))
        return self._pasted(self._drawn(self.base[index], index))

    def __getitems__(self, indices: Sequence[int]) -> list[Any]:
        length = len(self.base)
        indices = [_checked(index, length) for index in indices]
        fetch = getattr(self.base, "__getitems__", None)
        # Decoding photographs drives everything else out of the caches, and decoding parts much of it: one after the
        # other takes twice as long as each in its turn for the whole batch.
        samples = list(fetch(indices)) if callable(fetch) else [self.base[index] for index in indices]
        if len(samples) != len(indices):
            raise ValueError(f"{type(self.base).__name__} returned {len(samples)} samples for {len(indices)} indices")
        drawn = [self._drawn(sample, index) for sample, index in zip(samples, indices, strict=True)]
        for each in drawn:
            each.load()
        # Each is let go of once it is pasted: the copy of the next one can take its memory.
        del samples
        drawn.reverse()
        return [self._pasted(drawn.pop()) for _ in indices]

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
        return self._statistics.summary()

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
        scene = self._read(self._adapter_of(sample, index), sample, index)
        pastes = self.occluder.draw(scene, rng)
        self.occluder.apply(scene, pastes)
        return pastes

    def _drawn(self, sample: Any, index: int) -> DrawnSample:
        """What is to be pasted over the sample of an index, which is read for the next time."""
        epoch = self._counter.read(index)
        rng = sample_generator(self.seed, epoch, index, self._depth)
        reason = self._untouched(sample, epoch, rng)
        adapter = self._adapter_of(sample, index)
        if self.occluder.on_occlusion == "mark":
            sample = adapter.with_place_for_marks(sample)
        if reason and not self.defer and not self.mask:
            return DrawnSample(sample, adapter, None, reason)
        scene = self._read(adapter, sample, index)
        return DrawnSample(sample, adapter, scene, reason, [] if reason else self.occluder.draw(scene, rng))

    def _pasted(self, drawn: DrawnSample) -> Any:
        """The sample with what was drawn pasted over it, or beside it as a field."""
        sample, adapter, scene, pastes = drawn.sample, drawn.adapter, drawn.scene, drawn.pastes
        if scene is None:
            self._statistics.count_untouched(drawn.why_untouched)
            return sample
        if not self.defer:
            self.occluder.apply(scene, pastes, alpha=self.mask, inplace=self.inplace)
        shown = pastes if self.defer else [paste for paste in pastes if paste.seen]
        if shown:
            self._statistics.count_touched(shown, drawn.labelled)
        else:
            self._statistics.count_untouched(drawn.why_untouched)
        if self.defer:
            return adapter.attach(sample, "asda", part_batch(scene, pastes, self._max_parts, self.tile))
        if shown:
            sample = adapter.write(sample, scene)
        return adapter.attach(sample, "asda_mask", torch.from_numpy(scene.alpha)) if self.mask else sample

    def _untouched(self, sample: Any, epoch: int, rng: np.random.Generator) -> str | None:
        """Why a sample is left alone, if it is."""
        if self.schedule.is_closed(epoch):
            return "closed"
        p = self.schedule(epoch) * self.occluder.p
        if p < 1 and rng.random() >= p:
            return "chance"
        return "skipped" if self.skip is not None and self.skip(sample) else None

    def _adapter_of(self, sample: Any, index: int) -> Adapter:
        try:
            return self._adapters.find(sample)
        except AdapterError as error:
            raise AdapterError(f"sample {index} of {type(self.base).__name__}: {error}") from None

    def _read(self, adapter: Adapter, sample: Any, index: int) -> Scene:
        """What an adapter reads of a sample; its image is one."""
        try:
            scene = adapter.read(sample)
            scene.size  # noqa: B018 - asked for, because it looks whether this is an image
        except (AdapterError, ValueError) as error:
            raise AdapterError(f"sample {index} of {type(self.base).__name__}: {error}") from error
        return scene

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
