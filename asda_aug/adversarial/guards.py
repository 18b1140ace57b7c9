"""What keeps the generator from running away: −L_D has no bound, a picture that can still be read has.

Sources: bounded reward and slower generator from TeachAugment (CVPR 2022) and Peng et al. (CVPR 2018), caps on coverage
from the paper's own finding that the more is covered, the less is learnt (ASDA table 5).
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, Literal

import torch
from torch import Tensor

from asda_aug.batch.occupancy import Occupancy
from partpool.errors import ConfigError

Preset = Literal["guarded", "paper"]


@dataclass(frozen=True)
class Guards:
    """How the generator is held; the defaults are the preset ``"guarded"``.

    Attributes:
        clean: Share of samples that nothing is pasted into.
        random: Share of samples whose parts are placed at random (SDA); the rest is the generator's.
        max_joints: Share of the labelled joints that parts may cover. From ⅘ of it on a sample pays the generator less,
            from nine tenths on it costs. None is no cap.
        max_person: The same for the share of the person's box.
        max_loss: A sample whose loss is more than so many times the mean of randomly pasted ones pays nothing. Needs
            ``observe``. None is no cap.
        max_teacher_loss: The same for the teacher's loss: what the teacher cannot read pays nothing.
        every: The generator learns in every so-manieth step.
        clip: Largest norm of its gradient; None is no limit.
        warmup: Steps over which its placements take over from random ones.
        replay: How many past generators place parts too; 0 is none.
        replay_every: Steps between two that are kept.
        replay_share: Share of the generator's samples that they place.
    """

    clean: float = 0.1
    random: float = 0.3
    max_joints: float | None = 0.5
    max_person: float | None = 0.5
    max_loss: float | None = 3.0
    max_teacher_loss: float | None = 3.0
    every: int = 2
    clip: float | None = 5.0
    warmup: int = 500
    replay: int = 0
    replay_every: int = 500
    replay_share: float = 0.2

    def __post_init__(self) -> None:
        if not (self.clean >= 0 and self.random >= 0 and self.clean + self.random <= 1):
            raise ConfigError(
                f"clean and random must be shares, together at most 1, but got {self.clean} and {self.random}"
            )
        for name in ("max_joints", "max_person", "max_loss", "max_teacher_loss", "clip"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ConfigError(f"{name} must be positive or None, but got {value}")
        for name, least in (("every", 1), ("warmup", 0), ("replay", 0), ("replay_every", 1)):
            if getattr(self, name) < least:
                raise ConfigError(f"{name} must be at least {least}, but got {getattr(self, name)}")
        if not 0 <= self.replay_share <= 1:
            raise ConfigError(f"replay_share must lie in [0, 1], but got {self.replay_share}")

    def strength(self, steps: int) -> float:
        """How far placements are the generator's rather than random after so many steps, 0 to 1."""
        return min(1.0, (steps + 1) / self.warmup) if self.warmup else 1.0


GUARDED = Guards()
PAPER = Guards(
    clean=0.0, random=0.0, max_joints=None, max_person=None, max_loss=None, max_teacher_loss=None, every=1, clip=None,
    warmup=0,
)  # fmt: skip
"""Every sample is the generator's, and −L_D its whole loss (ASDA §3.2)."""


def find_guards(preset: Preset | Guards, changes: dict[str, Any]) -> Guards:
    """The guards of a preset, with changes.

    Raises:
        ConfigError: If the preset or a name is unknown, or a value out of range.
    """
    presets: dict[Any, Guards] = {"guarded": GUARDED, "paper": PAPER}
    guards = preset if isinstance(preset, Guards) else presets.get(preset)
    if guards is None:
        raise ConfigError(f"preset must be 'guarded', 'paper' or Guards(…), but got {preset!r}")
    known = [field.name for field in fields(Guards)]
    unknown = changes.keys() - set(known)
    if unknown:
        raise ConfigError(f"there is no option {', '.join(sorted(unknown))}; guards have: {', '.join(known)}")
    return replace(guards, **changes)


def reward(guards: Guards, covered: Occupancy) -> Tensor:
    """What each sample pays the generator by what is covered: 1 down to −1, [B].

    Nothing changes below ⅘ of a cap; at nine tenths a sample pays nothing, and at the cap and above the generator is
    driven back. So it settles below the cap.
    """
    paid = torch.ones_like(covered.person)
    for share, cap in ((covered.joints, guards.max_joints), (covered.person, guards.max_person)):
        if cap is not None:
            paid = torch.minimum(paid, (0.9 - share / cap) / 0.1)
    return paid.clamp(min=-1)
