"""Adversarial augmentation in a LightningModule, with manual optimisation.

python examples/lightning/train.py --out /tmp/asda
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import lightning
import torch
from torch import Tensor
from torch.utils.data import DataLoader

sys.path.append(str(Path(__file__).parents[1] / "asda_loop"))
from people import MEAN, STD, PoseNetwork, classes_in, open_pool, per_sample, synthetic

from asda_aug import AdversarialAugmenter, ASDADataset, Generator


class AdversarialPose(lightning.LightningModule):
    """A pose network and its adversary.

    Args:
        joints: Number of joints.
        classes: The part classes of the pool.
        lr: Learning rate of both players.
    """

    def __init__(self, joints: int, classes: Any, lr: float = 1e-3) -> None:
        super().__init__()
        # The augmenter has an optimiser of its own, after Lightning's.
        self.automatic_optimization = False
        self.network = PoseNetwork(joints)
        # No module: Lightning would hand the generator's weights to the pose network's optimiser.
        self.asda = AdversarialAugmenter(Generator(classes, mean=MEAN, std=STD), lr=lr, seed=0)
        self.lr = lr

    def training_step(self, batch: dict[str, Any], index: int) -> Tensor:
        """Both players' step."""
        optimizer = self.optimizers()
        losses = per_sample(self.network(self.asda(batch["image"], batch["asda"])), batch)
        self.asda.observe(losses)
        optimizer.zero_grad()
        self.manual_backward(losses.mean())
        optimizer.step()
        self.asda.step()
        stats = self.asda.stats
        self.log_dict({"loss": losses.mean(), "strength": stats["strength"], "covered": stats["covered_joints"]})
        return losses.mean()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """The pose network's alone."""
        return torch.optim.Adam(self.network.parameters(), self.lr)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Put the adversary beside the network."""
        checkpoint["asda"] = self.asda.state_dict()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Go on with the adversary too."""
        self.asda.load_state_dict(checkpoint["asda"])


def main() -> None:
    """Train on synthetic people."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--pool", type=Path, help="pool file; none is a pool of synthetic people")
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--resume", type=Path, help="checkpoint to go on from")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    lightning.seed_everything(0)
    data, pool = synthetic(options.people), open_pool(options.pool, options.out)
    wrapped = ASDADataset(
        data, pool, defer=True, mean=MEAN, std=STD, skeleton=data.skeleton, seed=0,
        classes=classes_in(pool), min_parts=1,
    )  # fmt: skip
    model = AdversarialPose(data.joints, pool.classes)
    trainer = lightning.Trainer(
        default_root_dir=options.out, max_epochs=options.epochs, accelerator="auto", logger=False,
        enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    loader = DataLoader(wrapped, 16, shuffle=True, drop_last=True)
    trainer.fit(model, loader, ckpt_path=options.resume)
    trainer.save_checkpoint(options.out / "last.ckpt")
    model.asda.generator.save(options.out / "gen.safetensors")
    print(f"{model.asda.steps} steps, loss {trainer.callback_metrics['loss']:.4f}")


if __name__ == "__main__":
    main()
