"""Adversarial augmentation: a generator places the parts where they raise the pose network's loss (ASDA §3.2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, distributed, nn
from torch.amp import GradScaler
from torch.optim import Optimizer

from asda_aug.adversarial.class_adversary import ClassAdversary
from asda_aug.adversarial.frozen_network import frozen
from asda_aug.adversarial.generator import Generator
from asda_aug.adversarial.generator_replay import GeneratorReplay
from asda_aug.adversarial.generator_trainer import GeneratorTrainer, is_distributed
from asda_aug.adversarial.gradient_reversal import Gate, attach, reverse
from asda_aug.adversarial.guards import Guards, Preset, find_guards, reward
from asda_aug.adversarial.loss_caps import LossCaps
from asda_aug.adversarial.monitor import Monitor
from asda_aug.adversarial.sample_mix import CLEAN, GENERATED, Mix, draw_mix, mix_to, placements
from asda_aug.adversarial.teacher import Teacher
from asda_aug.batch.checks import check_batch, check_classes, check_normalised, per_sample
from asda_aug.batch.compose import compose
from asda_aug.batch.occupancy import occupancy
from asda_aug.batch.part_batch import PartBatch
from asda_aug.errors import CheckpointError
from partpool.errors import ConfigError

Mode = Literal["one-pass", "alternate"]


class AdversarialAugmenter:
    """Pastes deferred parts where a generator puts them, and trains it to raise the loss (ASDA eqs 3–5).

    Three more lines in any training loop::

        asda = AdversarialAugmenter(Generator(pool.classes))
        for images, target, weight, meta in loader:
            loss = criterion(model(asda(images, meta["asda"])), target, weight)
            optimizer.zero_grad(); loss.backward(); optimizer.step()
            asda.step()

    ``"one-pass"`` reverses the gradient between the two players, so the pose network's own backward pass serves both.
    ``"alternate"`` is the paper's schedule: after the pose network's update the generator has its own pass against it,
    ``asda.step(closure)``, which leaves no trace in the pose network.

    Args:
        generator: The generator; moved to the images' device, and wrapped for distributed training if that is on.
        lr: Learning rate of its Adam (ASDA §4.2). The optimiser is ``asda.optimizer``, for schedulers.
        mode: ``"one-pass"`` or ``"alternate"``.
        preset: ``"guarded"``, ``"paper"`` (no guards), or :class:`~asda_aug.adversarial.guards.Guards`.
        discriminator: The pose network; needed for ``"alternate"`` and for a teacher.
        ng: ``"alternate"``: generator updates in its turn.
        nd: ``"alternate"``: pose network updates between two turns.
        mean: What was subtracted from the images' colours in [0, 1]; None is what the parts say.
        std: What they were then divided by.
        feather: Width of the parts' soft edge in pixels.
        teacher: Keep a moving average of the pose network as ``asda.teacher``. Its losses, passed to :meth:`observe`,
            take the reward off pictures that it cannot read.
        class_adversary: A bandit over part classes that learns from observed losses.
        seed: Where the choice of samples and random placements starts; None draws one from PyTorch's generator.
        **guards: Changes to the preset, fields of :class:`~asda_aug.adversarial.guards.Guards`.

    Attributes:
        generator: The generator, unwrapped.
        optimizer: Its optimiser.
        guards: The guards.
        steps: How often :meth:`step` was called.
        teacher: The moving average of the pose network, or None.

    Raises:
        ConfigError: If an option is wrong.
    """

    def __init__(
        self,
        generator: Generator,
        *,
        lr: float = 1e-3,
        mode: Mode = "one-pass",
        preset: Preset | Guards = "guarded",
        discriminator: nn.Module | None = None,
        ng: int = 1,
        nd: int = 1,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        feather: float = 1.0,
        teacher: bool = False,
        class_adversary: ClassAdversary | None = None,
        seed: int | None = None,
        **guards: Any,
    ) -> None:
        if mode not in ("one-pass", "alternate"):
            raise ConfigError(f"mode must be 'one-pass' or 'alternate', but got {mode!r}")
        if ng < 1 or nd < 1:
            raise ConfigError(f"ng and nd must be at least 1, but got {ng} and {nd}")
        if discriminator is None and (mode == "alternate" or teacher):
            raise ConfigError(f"{'a teacher' if teacher else 'alternate mode'} needs discriminator=, the pose network")
        if class_adversary is not None and class_adversary.classes != generator.classes:
            raise ConfigError("class_adversary and generator must be for the same classes, such as pool.classes")
        self.generator = generator
        self.mode, self.ng, self.nd = mode, ng, nd
        self.guards = find_guards(preset, guards)
        self.optimizer: Optimizer = torch.optim.Adam(generator.parameters(), lr=lr)
        self._trainer = GeneratorTrainer(generator, self.guards.clip)
        self.mean, self.std, self.feather = mean, std, feather
        self.class_adversary = class_adversary
        self.steps = 0
        self.teacher = Teacher(discriminator) if teacher and discriminator is not None else None
        self._discriminator = discriminator
        self._network: nn.Module | None = None
        self._strength: float | None = None
        self._replay = GeneratorReplay(self.guards.replay)
        self._caps = LossCaps(self.guards)
        self._monitor = Monitor(generator.classes, generator.ranges)
        self._rng = torch.Generator().manual_seed(torch.initial_seed() if seed is None else seed)
        self._batch: tuple[Tensor, PartBatch, Mix] | None = None
        self._gate: Gate | None = None
        self._learning = False

    def __call__(self, images: Tensor, parts: PartBatch) -> Tensor:
        """Paste parts.

        Args:
            images: Normalised images, floating [B, 3, H, W].
            parts: Their deferred parts; moved to the images' device.

        Returns:
            Images for the pose network, in whose graph the generator is (``"one-pass"``, where gradients are on).

        Raises:
            ValueError: If shapes do not fit, parts are of other classes, or images are not normalised.
            TypeError: If a dtype is wrong.
        """
        check_batch(images, parts)
        check_classes(parts, len(self.generator.classes))
        if self._network is None:
            check_normalised(images, parts, self.mean, self.std)
            self._network = self._trainer.network_on(images.device)
            # Loading puts the optimiser's state where its parameters are.
            self.optimizer.load_state_dict(self.optimizer.state_dict())
            if self.steps == 0 and is_distributed():
                self._rng.manual_seed(self._rng.initial_seed() + distributed.get_rank())
        parts = parts.to(images.device, non_blocking=True)
        mix = mix_to(draw_mix(self.guards, (len(images), parts.valid.shape[1]), self._rng), images.device)
        learn = torch.is_grad_enabled() and self.mode == "one-pass" and self.steps % self.guards.every == 0
        self._batch = images.detach(), parts, mix
        self._learning |= learn
        return self._pasted(images, parts, mix, learn)

    def observe(self, loss_per_sample: Tensor, teacher_loss: Tensor | None = None) -> None:
        """Tell what each sample of the last batch costs, before ``backward()``.

        Args:
            loss_per_sample: [B].
            teacher_loss: What it costs ``asda.teacher``, [B].

        Raises:
            RuntimeError: If there is no batch.
            ValueError: If the shape is wrong.
        """
        if self._batch is None or self._gate is None:
            raise RuntimeError("asda.observe() is about a batch: call asda(images, parts) first")
        _, parts, mix = self._batch
        loss = per_sample(loss_per_sample, mix.kind, "loss_per_sample")
        self._gate.reward = self._caps.capped(self._gate.reward, loss, teacher_loss, mix.kind)
        if self.class_adversary is not None:
            pasted = parts.valid & (mix.kind != CLEAN)[:, None]
            self.class_adversary.update(parts.class_id[pasted], loss[:, None].expand_as(pasted)[pasted])

    def step(self, closure: Callable[[Tensor], Tensor] | None = None, *, scaler: GradScaler | None = None) -> None:
        """Train the generator, after the pose network's ``optimizer.step()``.

        Args:
            closure: ``"alternate"``: images → loss, the pose network's forward pass and criterion as in the loop,
                autocast included. Ignored in ``"one-pass"``.
            scaler: The loop's ``GradScaler``, between ``scaler.step(optimizer)`` and ``scaler.update()``. An inf in the
                generator's gradient skips its update alone.

        Raises:
            RuntimeError: If there was no batch, or no ``backward()``.
            TypeError: If ``"alternate"`` lacks its closure.
        """
        if self._batch is None:
            raise RuntimeError("asda.step() needs a batch first: call asda(images, parts), then loss.backward()")
        if self.mode == "alternate":
            if closure is None:
                raise TypeError("with mode='alternate' asda.step() needs a closure: asda.step(lambda images: loss)")
            if (self.steps + 1) % (self.nd * self.guards.every) == 0:
                for _ in range(self.ng):
                    self._own_pass(closure, scaler)
        elif self._learning:
            self._trainer.step(self.optimizer, scaler)
        self._finish()

    @property
    def strength(self) -> float:
        """How far placements are the generator's rather than random."""
        return self.guards.strength(self.steps) if self._strength is None else self._strength

    @strength.setter
    def strength(self, value: float) -> None:
        if not 0 <= value <= 1:
            raise ConfigError(f"strength must lie in [0, 1], but got {value}")
        self._strength = value

    @property
    def stats(self) -> dict[str, Any]:
        """What the generator does, over the last hundred batches or so; NaN where nothing is known.

        Returns:
            ``steps``, ``strength``; shares ``saturated`` (placements at the end of their range), ``off_frame`` (parts
            beside the image: a free no-op), ``covered_person``, ``covered_joints``; mean ``loss`` of ``clean``,
            ``random`` and ``generated`` samples and ``advantage``, by how much the generated ones cost more than the
            random ones, relatively (all need :meth:`observe`); ``theta``: by class, histograms of r, tx and ty.
        """
        return {
            "steps": self.steps,
            "strength": self.strength,
            **self._monitor.shares(),
            "loss": self._caps.losses.by_kind(),
            "advantage": self._caps.losses.advantage,
            "theta": self._monitor.histograms(),
        }

    def state_dict(self) -> dict[str, Any]:
        """Everything that training goes on from, for ``torch.save``; ``torch.load(…, weights_only=True)`` reads it."""
        parts = {name: None if part is None else part.state_dict() for name, part in self._stateful().items()}
        rest = {"steps": self.steps, "strength": self._strength, "rng": self._rng.get_state()}
        return {"classes": list(self.generator.classes), **rest, **parts}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state.

        Raises:
            CheckpointError: If it is no such state, or that of a generator for other classes.
        """
        if tuple(state.get("classes", ())) != self.generator.classes:
            raise CheckpointError(
                f"the state is for {len(state.get('classes', ()))} classes in their order, "
                f"not for the generator's {len(self.generator.classes)}"
            )
        self.steps, self._strength = state["steps"], state["strength"]
        self._rng.set_state(state["rng"].cpu())
        for name, part in self._stateful().items():
            if part is not None and state[name] is not None:
                part.load_state_dict(state[name])

    def _stateful(self) -> dict[str, Any]:
        """What has a state of its own, by its name in ours."""
        return {
            "generator": self.generator,
            "optimizer": self.optimizer,
            "losses": self._caps.losses,
            "teacher_losses": self._caps.teacher_losses,
            "replay": self._replay,
            "teacher": self.teacher,
            "class_adversary": self.class_adversary,
        }

    def _pasted(self, images: Tensor, parts: PartBatch, mix: Mix, learn: bool) -> Tensor:
        assert self._network is not None
        fixed = images.detach()
        with torch.set_grad_enabled(learn):
            predicted = self._network(fixed)
        index = parts.class_id.clamp(0, predicted.shape[1] - 1)[..., None].expand(-1, -1, 3)
        past = self._replay.predict(self.generator, fixed, self._rng).gather(1, index) if len(self._replay) else None
        placed = placements(mix, predicted.gather(1, index), past, self.strength)
        parts = parts._replace(valid=parts.valid & (mix.kind != CLEAN)[:, None])
        scale = parts.scale[..., None].to(placed.dtype)
        covered = occupancy(parts, torch.cat([scale, placed.detach()], dim=-1), (images.shape[3], images.shape[2]))
        self._monitor.record(parts, placed.detach(), covered, mix.kind == GENERATED)
        self._gate = Gate(reward(self.guards, covered))
        if learn:
            placed = reverse(placed, self._gate)
        pasted, _ = compose(
            images, parts, torch.cat([scale, placed], dim=-1), feather=self.feather, mean=self.mean, std=self.std
        )
        return attach(pasted, predicted) if learn else pasted

    def _own_pass(self, closure: Callable[[Tensor], Tensor], scaler: GradScaler | None) -> None:
        """The generator's pass against the updated pose network."""
        assert self._batch is not None
        assert self._discriminator is not None
        images, parts, mix = self._batch
        with torch.enable_grad(), frozen(self._discriminator):
            loss = closure(self._pasted(images, parts, mix, learn=True))
            self._trainer.backward_and_step(loss, self.optimizer, scaler)

    def _finish(self) -> None:
        self.steps += 1
        self._batch, self._gate, self._learning = None, None, False
        if self.guards.replay and self.steps % self.guards.replay_every == 0:
            self._replay.keep(self.generator)
        if self.teacher is not None and self._discriminator is not None:
            self.teacher.follow(self._discriminator)
        self._monitor.warn_on_collapse()
        self._caps.warn_if_unobserved(wanted=self.guards.max_loss is not None or self.class_adversary is not None)
