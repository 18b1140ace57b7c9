"""Paste body parts into a data set that knows nothing of them. Only the line with ASDADataset is new."""

import tempfile
from pathlib import Path

import cv2
import numpy as np
from torch.utils.data import DataLoader, Dataset

import partpool
from asda_aug import ASDADataset
from partpool.synthetic.people import draw_person, write_lip_dataset


class People(Dataset):
    """Your data set: here (image uint8 [256, 192, 3], keypoints float32 [16, 3]), x y v with v as in COCO."""

    def __len__(self):
        return 16

    def __getitem__(self, index):
        person = draw_person(np.random.default_rng(index), "whole")
        height, width = person.image.shape[:2]
        keypoints = person.keypoints * np.array([192 / width, 256 / height, 2], np.float32)
        return cv2.resize(person.image, (192, 256)), keypoints


def main():
    """Build a small pool, wrap the data set, and go through it."""
    with tempfile.TemporaryDirectory() as folder:
        pool = Path(folder, "pool.h5")
        write_lip_dataset(Path(folder, "LIP"), 40)
        partpool.build(partpool.find_lip(Path(folder, "LIP")), pool)

        train = ASDADataset(People(), pool, min_parts=1, on_occlusion="mark", seed=0)

        for images, keypoints in DataLoader(train, batch_size=8, num_workers=2):
            print(tuple(images.shape), "occluded keypoints:", int((keypoints[..., 2] == 1).sum()))
        stats = train.stats()
        print(f"{stats['pastes']} parts on {stats['samples']} samples cover {stats['covered']} of {stats['keypoints']}")


if __name__ == "__main__":
    main()
