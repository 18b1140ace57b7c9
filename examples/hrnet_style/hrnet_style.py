"""Train a small heat-map network on a data set in the style of HRNet, with body parts pasted over its people.

python examples/hrnet_style/hrnet_style.py               SDA on: about half a minute on two cores
python examples/hrnet_style/hrnet_style.py --p 0         the same without
"""

import argparse
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

import partpool
from asda_aug import ASDADataset, JointPlacer, PasteParts
from partpool.synthetic.people import draw_person, write_lip_dataset
from partpool.taxonomy.keypoints import MPII_KEYPOINTS

sys.path.append(str(Path(__file__).parents[1] / "asda_loop"))
from people import PoseNetwork

IMAGE, HEATMAP, SIGMA = (64, 96), (16, 24), 1.0
CONTEXT = 1.25
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Normalize:
    """Bytes [H, W, 3] to a normalised tensor [3, H, W]; torchvision's step of this name has the same attributes."""

    mean, std = MEAN, STD

    def __call__(self, image):
        """The tensor of an image."""
        pixels = (image / np.float32(255) - np.float32(MEAN)) / np.float32(STD)
        return torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)))


class PoseDataset(Dataset):
    """Synthetic people as HRNet's ``JointsDataset`` gives them: ``input, target, target_weight, meta``."""

    color_rgb = True
    transform = Normalize()

    def __init__(self, people, seed, augment):
        self._people = [draw_person(np.random.default_rng((seed, number)), "whole") for number in range(people)]
        self._augment = augment

    def __len__(self):
        return len(self._people)

    def __getitem__(self, index):
        person = self._people[index]
        visible = person.keypoints[:, 2] > 0
        low, high = person.keypoints[visible, :2].min(axis=0), person.keypoints[visible, :2].max(axis=0)
        scale, angle = (np.random.uniform(0.8, 1.2), np.random.uniform(-25, 25)) if self._augment else (1, 0)  # noqa: NPY002
        size = CONTEXT * scale * max((high - low) / IMAGE)
        matrix = cv2.getRotationMatrix2D(((low + high) / 2).tolist(), angle, 1 / size)
        matrix[:, 2] += np.array(IMAGE) / 2 - (low + high) / 2
        image = cv2.warpAffine(person.image, matrix, IMAGE)
        joints = person.keypoints.copy()
        joints[:, :2] = joints[:, :2] @ matrix[:, :2].T + matrix[:, 2]
        inside = ((joints[:, :2] >= 0) & (joints[:, :2] < IMAGE)).all(axis=1)
        weight = (visible & inside).astype(np.float32)[:, None]
        meta = {"joints": joints, "joints_vis": np.repeat(weight, 3, axis=1)}
        return self.transform(image), torch.from_numpy(heatmaps(joints)), torch.from_numpy(weight), meta


def heatmaps(joints):
    """A Gaussian around every joint, float32 [K, h, w]."""
    columns, rows = np.meshgrid(*(np.arange(side) + 0.5 for side in HEATMAP))
    x, y = (joints[:, :2] * np.array(HEATMAP) / IMAGE).T[..., None, None]
    return np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * SIGMA**2)).astype(np.float32)


def heatmap_loss(output, target, weight):
    """Cross-entropy of where the joints are; learns in fewer steps than HRNet's squared error."""
    wanted = target.flatten(2) / target.flatten(2).sum(dim=2, keepdim=True).clamp(min=1e-6)
    found = output.flatten(2).log_softmax(dim=2)
    return -(weight * wanted * found).sum(dim=2).mean()


def train(model, loader, epochs):
    """Fit the heat maps."""
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=epochs * len(loader))
    for epoch in range(epochs):
        total = 0.0
        for images, target, weight, _ in loader:
            loss = heatmap_loss(model(images), target, weight)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        print(f"epoch {epoch + 1}: loss {total / len(loader):.4f}")


@torch.no_grad()
def accuracy(model, loader) -> Tensor:
    """Share of labelled joints whose peak lies within a tenth of the heat map's height, per joint (PCK), [K]."""
    model.eval()
    right = labelled = torch.zeros(len(MPII_KEYPOINTS))
    for images, _, weight, meta in loader:
        flat = model(images).flatten(2).argmax(dim=2)
        peaks = torch.stack([flat % HEATMAP[0], flat // HEATMAP[0]], dim=2) + 0.5
        joints = meta["joints"][..., :2] * torch.tensor(HEATMAP) / torch.tensor(IMAGE)
        near = (peaks - joints).norm(dim=2) <= HEATMAP[1] / 10
        right = right + (near & (weight[..., 0] > 0)).sum(dim=0)
        labelled = labelled + (weight[..., 0] > 0).sum(dim=0)
    return right / labelled.clamp(min=1)


def main():
    """Train, and print how many joints are found on people as they are and under pasted parts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pool", type=Path, help="a pool of your own; without it one is built of synthetic people")
    parser.add_argument("--p", type=float, default=0.5, help="share of the training samples that get a part")
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    np.random.seed(options.seed)  # noqa: NPY002
    with tempfile.TemporaryDirectory() as folder:
        pool = options.pool or small_pool(Path(folder))
        people = PoseDataset(options.people, options.seed, augment=True)
        unseen = PoseDataset(max(8, options.people // 4), options.seed + 1, augment=False)
        # This is all that SDA takes; a large pool needs no min_parts.
        sda = ASDADataset(people, PasteParts(pool, min_parts=1, p=options.p), seed=options.seed)
        model = PoseNetwork(len(MPII_KEYPOINTS))
        train(model, DataLoader(sda, batch_size=16, shuffle=True, drop_last=True), options.epochs)
        print(f"parts on {sda.stats()['touched']:,} of {sda.stats()['samples']:,} samples")
        covered = ASDADataset(unseen, pool, num_parts=3, placer=JointPlacer(), min_parts=1, seed=1)
        covered.set_epoch(0)
        clean, hard = (accuracy(model, DataLoader(each, batch_size=32)) for each in (unseen, covered))
    print(f"{'joint':16} clean  covered")
    for name, one, other in zip(MPII_KEYPOINTS, clean.tolist(), hard.tolist(), strict=True):
        print(f"{name:16} {one:5.1%}  {other:6.1%}")
    print(f"{'mean':16} {clean.mean():5.1%}  {hard.mean():6.1%}")


def small_pool(folder):
    """A pool of synthetic people who are in neither data set."""
    write_lip_dataset(folder / "LIP", 40, seed=99)
    partpool.build(partpool.find_lip(folder / "LIP"), folder / "pool.h5")
    return folder / "pool.h5"


if __name__ == "__main__":
    main()
