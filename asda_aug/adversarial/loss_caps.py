"""Taking the reward off samples that cost so much that nobody could read them."""

from __future__ import annotations

import warnings

import torch
from torch import Tensor

from asda_aug.adversarial.guards import Guards
from asda_aug.adversarial.running_losses import RunningLosses
from asda_aug.batch.checks import per_sample


class LossCaps:
    """Compares the losses of samples with the running mean of randomly pasted ones.

    Args:
        guards: ``max_loss`` and ``max_teacher_loss`` are the caps.

    Attributes:
        losses: Running means of what samples cost the pose network.
        teacher_losses: The same of its teacher.
    """

    def __init__(self, guards: Guards) -> None:
        self._guards = guards
        self.losses, self.teacher_losses = RunningLosses(), RunningLosses()
        self._told = False

    def capped(self, reward: Tensor, loss: Tensor, teacher_loss: Tensor | None, kind: Tensor) -> Tensor:
        """The reward of each sample, none for those beyond a cap, [B].

        Args:
            reward: What each sample pays the generator, [B].
            loss: What each costs the pose network, [B], without graph.
            teacher_loss: What each costs the teacher, [B]; None if there is none.
            kind: Of each sample, int64 [B].

        Raises:
            ValueError: If there is not one teacher loss per sample.
        """
        self._told = True
        reward = _capped(reward, loss, self.losses, self._guards.max_loss)
        self.losses.update(loss, kind)
        if teacher_loss is not None and self._guards.max_teacher_loss is not None:
            teacher_loss = per_sample(teacher_loss, kind, "teacher_loss")
            reward = _capped(reward, teacher_loss, self.teacher_losses, self._guards.max_teacher_loss)
            self.teacher_losses.update(teacher_loss, kind)
        return reward

    def warn_if_unobserved(self, wanted: bool) -> None:
        """Warn once after a step if losses are wanted and none has ever been observed."""
        if wanted and not self._told:
            self._told = True
            warnings.warn(
                "asda.observe(loss_per_sample) was not called before backward(): the cap on a sample's loss, the class "
                "adversary and the advantage statistic are off; pass max_loss=None if that is meant",
                stacklevel=4,
            )


def _capped(reward: Tensor, loss: Tensor, usual: RunningLosses, cap: float | None) -> Tensor:
    return reward if cap is None else torch.where(usual.readable(loss, cap), reward, reward.clamp(max=0))
