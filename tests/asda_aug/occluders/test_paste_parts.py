from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from asda_aug import JointPlacer, PasteParts, RandomPlacer, Scene
from asda_aug.occluders.occluder import Paste
from asda_aug.scene.skeletons import COCO
from asda_aug_pasters import FULL, image, paster, rng, scene
from partpool import Part, PartPool
from partpool.errors import ConfigError, PoolNotFoundError
from partpool.taxonomy.keypoints import MPII_KEYPOINTS


def same(one: list[Paste], other: list[Paste]) -> bool:
    return [(paste.index, paste.placement, paste.joint, paste.feather, paste.harmonize) for paste in one] == [
        (paste.index, paste.placement, paste.joint, paste.feather, paste.harmonize) for paste in other
    ]


def test_drawing_touches_nothing_and_applying_can_be_repeated(parts: PartPool) -> None:
    before = scene()
    augmentation = paster(parts, num_parts=2, feather=(0, 2), blend="harmonize", flip=0.5, placer=JointPlacer())
    pastes = augmentation.draw(before, rng())
    np.testing.assert_array_equal(before.image, image())
    results = []
    for _ in range(2):
        each = scene()
        covered = augmentation.apply(each, pastes)
        results.append((each.image, covered))
        assert covered.shape == (1, 17)
        assert not covered[:, :5].any()
    np.testing.assert_array_equal(results[0][0], results[1][0])
    assert not np.array_equal(results[0][0], image())
    np.testing.assert_array_equal(before.image, image())


def test_the_same_generator_draws_the_same(parts: PartPool) -> None:
    augmentation = paster(parts, num_parts={1, 2, 3}, flip=0.5, feather=(0, 3), blend="harmonize")
    again = pickle.loads(pickle.dumps(augmentation))
    drawn = [augmentation.draw(scene(), rng(seed)) for seed in range(10)]
    assert all(same(one, again.draw(scene(), rng(seed))) for seed, one in enumerate(drawn))
    assert not all(same(drawn[0], other) for other in drawn[1:])


def test_mirrored_parts_are_of_the_other_side(parts: PartPool) -> None:
    (paste,) = paster(parts, classes=["left-arm"], flip=1).draw(scene(), rng())
    assert paste.flipped
    assert (paste.name, paste.part.name) == ("right-arm", "right-arm")
    assert paste.index is not None
    np.testing.assert_array_equal(paste.part.rgb, parts[paste.index].rgb[:, ::-1])
    (anchored,) = paster(parts, classes=["left-arm"], flip=1, placer=JointPlacer()).draw(scene(), rng())
    assert anchored.joint is not None
    assert COCO[anchored.joint].startswith("right_")


def test_a_parts_own_joint_lands_on_the_persons(parts: PartPool) -> None:
    index = int(parts.indices("left-arm")[0])
    known = np.full((16, 3), np.nan, np.float32)
    known[MPII_KEYPOINTS.index("left_elbow")] = (7, 21, 1)

    class WithKeypoints:
        def later(self, _: int) -> Part:
            return replace(parts[index], keypoints=known)

        def __getattr__(self, name: str) -> Any:
            return getattr(parts, name)

    augmentation = paster(parts, classes=["left-arm"], placer=JointPlacer(tx=(0, 0), ty=(0, 0), own=True))
    augmentation.pool = WithKeypoints()  # type: ignore[assignment]
    seen = set()
    for seed in range(30):
        (paste,) = augmentation.draw(scene(), rng(seed))
        assert paste.joint is not None
        name = COCO[paste.joint]
        height, width = paste.part.mask.shape
        lands = (7, 21, 1) if name == "left_elbow" else (width / 2, height / 2, 1)
        np.testing.assert_allclose(paste.matrix @ lands, scene().keypoints[0, paste.joint])
        seen.add(name)
    assert seen == {"left_shoulder", "left_elbow", "left_wrist"}


def test_sizes_follow_the_alignment(parts: PartPool) -> None:
    fixed = RandomPlacer(s=(1, 1))
    for align in ("class", "reference", "natural"):
        (paste,) = paster(parts, classes=["face"], align=align, placer=fixed).draw(scene(), rng())
        height, width = paste.part.mask.shape
        scale = np.sqrt(np.linalg.det(paste.matrix[:, :2]))
        assert scale * np.hypot(width, height) == pytest.approx(paste.diagonal)
    assert paste.diagonal != pytest.approx(np.hypot(96, 128) / 1.25 * 0.2)


def test_harmonizing_moves_colours_to_the_picture(parts: PartPool) -> None:
    blue = Scene(np.full((128, 96, 3), (20, 40, 160), np.uint8))
    options: dict[str, Any] = {"placer": FULL, "classes": ["upper-clothes"]}
    plain = paster(parts, **options)
    strong = paster(parts, blend="harmonize", harmonize_strength=1.0, **options)
    results = []
    for augmentation in (plain, strong):
        each = Scene(blue.image.copy())
        augmentation.apply(each, augmentation.draw(each, rng()), alpha=True)
        assert each.alpha is not None
        results.append(each.image[each.alpha == 1].mean(axis=0))
    target = np.array([20, 40, 160])
    assert np.abs(results[1] - target).max() < 12 < np.abs(results[0] - target).max()
    (weak,) = paster(parts, blend="harmonize", harmonize_strength=(0.2, 0.4)).draw(scene(), rng())
    assert 0.2 <= weak.harmonize <= 0.4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"p": 1.5}, "p must lie"),
        ({"on_occlusion": "hide"}, "'keep', 'mark' or 'drop', but got 'hide'"),
        ({"person": "tallest"}, "person must be"),
        ({"person_box": "keypoints"}, "person_box must be"),
        ({"align": "own"}, "align must be one of"),
        ({"flip": 2}, "flip must lie"),
        ({"harmonize_strength": 0.5}, "no effect with blend='paste'"),
        ({"feather": (1, 2, 3)}, "feather must be a number or a range"),
        ({"placer": JointPlacer}, "an object that can place"),
        ({"feather": (2, 1)}, "feather must be a number or a range"),
        ({"feather": -1}, "feather"),
        ({"blend": "poisson"}, "'paste' or 'harmonize'"),
        ({"blend": "harmonize", "harmonize_strength": 2}, "harmonize_strength"),
        ({"classes": ["arm"]}, "no class 'arm'"),
        ({"adapter": "coco-ish"}, "no adapter 'coco-ish'"),
    ],
)
def test_wrong_options_are_named(parts: PartPool, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        paster(parts, **options)(image())


def test_a_sampler_of_ones_own_excludes_its_options(parts: PartPool) -> None:
    from asda_aug import PartSampler

    sampler = PartSampler(parts, 2, ["face"], min_parts=1)
    assert len(PasteParts(parts, sampler=sampler).draw(scene(), rng())) == 2
    with pytest.raises(ConfigError, match="belong to the sampler"):
        PasteParts(parts, sampler=sampler, num_parts=3)


def test_a_sampler_of_another_pool_is_refused(parts: PartPool, pool: Path) -> None:
    from asda_aug import PartSampler

    sampler = PartSampler(PartPool([pool, pool]), classes=["face"], min_parts=1)
    with pytest.raises(ConfigError, match="another pool"):
        PasteParts(parts, sampler=sampler)
    same = PartSampler(PartPool(pool), classes=["face"], min_parts=1)
    assert PasteParts(parts, sampler=same).draw(scene(), rng())


def test_a_missing_pool_is_named(tmp_path: Path) -> None:
    with pytest.raises(PoolNotFoundError, match=r"nothing\.h5"):
        PasteParts(tmp_path / "nothing.h5")
