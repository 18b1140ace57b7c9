from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import distributed
from torch.utils.data import ConcatDataset, DataLoader, Dataset, Subset, default_collate, random_split

from asda_aug import ROR, ASDADataset, Cutout, JointPlacer, PasteParts, RandomPlacer, RectanglePaste, Scene
from asda_aug.errors import AdapterError
from asda_aug_data import MEAN, STD, HRNetLike, Pairs, half, is_even
from asda_aug_samples import differences
from partpool import PartPool
from partpool.errors import ConfigError

OPTIONS: dict[str, Any] = {"seed": 7, "min_parts": 1, "classes": ["upper-clothes", "left-arm", "face"]}
FULL = RandomPlacer(s=(3, 3), tx=(0, 0), ty=(0, 0))
WORKERS = [(0, None), (1, "fork"), (2, "fork"), (4, "fork"), (2, "spawn"), (2, "forkserver")]
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
    # More workers than this machine has cores.
    pytest.mark.filterwarnings("ignore:This DataLoader will create:UserWarning"),
]


def dataset(pool: Any, base: Any = None, **options: Any) -> ASDADataset:
    return ASDADataset(HRNetLike() if base is None else base, pool, **{**OPTIONS, **options})


def images(loader: DataLoader[Any]) -> torch.Tensor:
    return torch.cat([batch[0] for batch in loader])


@pytest.mark.parametrize(("workers", "method"), WORKERS)
def test_samples_do_not_depend_on_workers(pool: Path, workers: int, method: str | None) -> None:
    here = dataset(pool, num_parts={1, 2}, flip=0.5, placer=JointPlacer())
    expected = [torch.stack([here[index][0] for index in range(len(here))]) for _ in range(2)]
    assert not torch.equal(expected[0], expected[1])
    there = dataset(pool, num_parts={1, 2}, flip=0.5, placer=JointPlacer())
    loader = DataLoader(there, 5, num_workers=workers, multiprocessing_context=method, persistent_workers=workers > 0)
    # A loop that never calls set_epoch gets fresh parts in every epoch.
    for epoch in range(2):
        assert torch.equal(images(loader), expected[epoch])
    # set_epoch reaches workers that are alive.
    there.set_epoch(0)
    assert torch.equal(images(loader), expected[0])
    there.set_epoch(1)
    assert torch.equal(images(loader), expected[1])
    assert there.stats()["samples"] == 4 * len(there)


def test_shuffling_changes_the_order_only(pool: Path) -> None:
    expected = [dataset(pool)[index][0] for index in range(24)]
    loader = DataLoader(dataset(pool), 5, shuffle=True, num_workers=2, generator=torch.Generator().manual_seed(0))
    for batch in loader:
        for image, name in zip(batch[0], batch[3]["image"], strict=True):
            assert torch.equal(image, expected[int(name.partition(".")[0])])


def test_seeds(pool: Path) -> None:
    assert torch.equal(dataset(pool)[0][0], dataset(pool)[0][0])
    assert not torch.equal(dataset(pool)[0][0], dataset(pool, seed=8)[0][0])
    torch.manual_seed(3)
    drawn = dataset(pool, seed=None)
    torch.manual_seed(3)
    assert dataset(pool, seed=None).seed == drawn.seed
    assert dataset(pool, seed=None).seed != drawn.seed
    assert torch.equal(dataset(pool, seed=drawn.seed)[4][0], drawn[4][0])


def test_looking_at_a_sample_does_not_disturb_other_randomness(pool: Path) -> None:
    class Random(Pairs):
        def __getitem__(self, index: int) -> Any:
            torch.rand(1), np.random.rand()  # noqa: NPY002
            return super().__getitem__(index)

    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002
    expected = torch.rand(1), np.random.rand()  # noqa: NPY002
    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002
    dataset(pool, Random())
    assert (torch.rand(1), np.random.rand()) == expected  # noqa: NPY002


def test_everything_but_the_image_is_as_it_was(pool: Path) -> None:
    base = HRNetLike()
    wrapped = dataset(pool, base, placer=FULL)
    for index in range(len(base)):
        (image, target, weight, meta), (old, old_target, old_weight, old_meta) = wrapped[index], base[index]
        assert torch.equal(target, old_target)
        assert torch.equal(weight, old_weight)
        assert meta.keys() == old_meta.keys()
        np.testing.assert_array_equal(meta["joints"], old_meta["joints"])
        np.testing.assert_array_equal(meta["joints_vis"], old_meta["joints_vis"])
        assert (image.dtype, image.shape, image.stride()) == (old.dtype, old.shape, old.stride())
        assert not torch.equal(image, old)


def test_labels_stay_over_thousands_of_samples(pool: Path) -> None:
    base = Pairs(50)
    before = pickle.dumps(base.samples)
    wrapped, touched = dataset(pool, base, num_parts=2, placer=JointPlacer()), 0
    for epoch in range(60):
        wrapped.set_epoch(epoch)
        for index in range(len(base)):
            image, keypoints = wrapped[index]
            assert keypoints is base.samples[index][1]
            touched += image is not base.samples[index][0]
    assert pickle.dumps(base.samples) == before
    # At the border, both parts may lie beside the image.
    assert 2990 < touched == wrapped.stats()["touched"]


@pytest.mark.parametrize("policy", ["mark", "drop"])
def test_covered_joints_of_hrnet(pool: Path, policy: Any) -> None:
    wrapped = dataset(pool, placer=FULL, on_occlusion=policy, classes=["upper-clothes"])
    total = 0
    for index in range(24):
        _, target, weight, meta = wrapped[index]
        _, old_target, old_weight, old_meta = wrapped.base[index]
        covered = {joint for paste in wrapped.describe(index) for _, joint in paste.covered}
        total += len(covered)
        for joint in range(17):
            seen = old_meta["joints_vis"][joint] * (joint not in covered)
            np.testing.assert_array_equal(meta["joints_vis"][joint], seen)
            kept = policy == "mark" or joint not in covered
            assert torch.equal(target[joint], old_target[joint] * kept)
            assert torch.equal(weight[joint], old_weight[joint] * kept)
    assert total > 50
    assert wrapped.stats()["covered"] == total


def test_p_zero_returns_the_same_object_and_warns(pool: Path) -> None:
    base = Pairs()
    with pytest.warns(UserWarning, match="nothing will ever be pasted"):
        wrapped = dataset(pool, base, p=0)
    assert all(wrapped[index] is base.samples[index] for index in range(len(base)))
    assert wrapped.stats()["untouched"]["chance"] == len(base)


def test_schedules_closed_epochs_and_skips(pool: Path) -> None:
    wrapped = dataset(pool, HRNetLike(200), p=half, epochs=10, close_last_epochs=2, skip=is_even)

    def touched(epoch: int) -> int:
        wrapped.set_epoch(epoch)
        before = wrapped.stats()["touched"]
        for index in range(len(wrapped)):
            wrapped[index]
        return wrapped.stats()["touched"] - before

    assert touched(0) == 0
    assert 30 < touched(1) < 70
    assert touched(8) == touched(9) == 0
    untouched = wrapped.stats()["untouched"]
    assert untouched["closed"] == 400
    assert 30 < untouched["skipped"] < 70


def test_an_occluders_own_p_comes_on_top(pool: Path) -> None:
    wrapped = ASDADataset(Pairs(300), Cutout(p=0.5), p=0.5, seed=0)
    for index in range(300):
        wrapped[index]
    assert 50 < wrapped.stats()["touched"] < 100


def test_describe_repeats_what_was_done(pool: Path) -> None:
    wrapped = dataset(pool, Pairs(), num_parts=2, blend="harmonize", feather=(0, 3))
    for epoch in range(2):
        image = wrapped[3][0]
        pastes = wrapped.describe(3)
        other = wrapped.base[3][0].copy()
        scene = Scene(other)
        wrapped.occluder.apply(scene, pastes)
        np.testing.assert_array_equal(scene.image, image)
        assert [paste.index for paste in wrapped.describe(3, epoch)] == [paste.index for paste in pastes]
    assert wrapped.stats()["samples"] == 2
    assert dataset(pool, HRNetLike(), skip=is_even).describe(0) == []


def test_the_mask_on_request(pool: Path) -> None:
    loader = DataLoader(dataset(pool, mask=True, p=0.5), 24)
    ((images, _, _, meta),) = loader
    mask = meta["asda_mask"]
    assert mask.shape == (24, 64, 48)
    assert mask.dtype == torch.float32
    bare = torch.stack([HRNetLike()[index][0] for index in range(24)])
    changed = (images != bare).any(dim=1)
    assert not (changed & (mask == 0)).any()
    touched = changed.flatten(1).any(dim=1)
    assert torch.equal(touched, mask.flatten(1).amax(dim=1) > 0)
    assert 4 < touched.sum() < 20
    sample, mask = dataset(pool, Pairs(), mask=True)[0]
    assert mask.shape == sample[0].shape[:2]


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("kind", ["ror", "cutout", "equal-area", "rectangle"])
def test_controls_in_the_same_wrapper(parts: PartPool, kind: str, workers: int) -> None:
    like = PasteParts(parts, min_parts=1, classes=OPTIONS["classes"])
    occluder = {
        "ror": lambda: ROR(), "cutout": lambda: Cutout(), "equal-area": lambda: Cutout(like),
        "rectangle": lambda: RectanglePaste(like),
    }[kind]()  # fmt: skip
    wrapped = ASDADataset(HRNetLike(), occluder, seed=1)
    result = images(DataLoader(wrapped, 8, num_workers=workers))
    bare = torch.stack([HRNetLike()[index][0] for index in range(24)])
    different = (result != bare).flatten(1).any(dim=1).sum()
    assert wrapped.stats()["touched"] == different
    assert different > 15


def test_inside_and_around_other_wrappers(pool: Path) -> None:
    base = HRNetLike(20)
    whole = dataset(pool, base)
    whole.set_epoch(0)
    first, second = random_split(whole, [15, 5], torch.Generator().manual_seed(0))
    for part in (Subset(whole, range(5, 15)), first, second):
        for place, index in enumerate(part.indices):
            assert torch.equal(part[place][0], whole[index][0])
    both: Dataset[Any] = ConcatDataset([whole, dataset(pool, HRNetLike(4))])
    assert torch.equal(both[3][0], whole[3][0])
    assert len(whole + dataset(pool, HRNetLike(4))) == 24
    inside = dataset(pool, Subset(base, range(10)))
    assert len(inside) == 10
    joined = dataset(pool, ConcatDataset([base, HRNetLike(4)]))
    assert len(joined) == 24
    # Normalisation is found inside the wrappers: without it this would be refused.
    assert torch.isfinite(joined[23][0]).all()


def test_wrappers_around_each_other_do_not_draw_alike(pool: Path) -> None:
    inner = dataset(pool)
    outer = dataset(pool, Subset(dataset(pool, inner), range(24)))
    drawn = [[each.describe(index, 0)[0].placement for index in range(10)] for each in (inner, outer)]
    assert not set(drawn[0]) & set(drawn[1])
    assert outer.describe(3, 0)[0].placement == outer.describe(3, 0)[0].placement


def test_pasting_in_place_saves_the_copy(pool: Path) -> None:
    kept = Pairs()
    image = kept.samples[3][0]
    expected = dataset(pool, Pairs())[3][0]
    result = dataset(pool, kept, inplace=True)[3][0]
    assert result is image
    np.testing.assert_array_equal(result, expected)
    assert torch.equal(dataset(pool, inplace=True)[3][0], dataset(pool)[3][0])


def test_indexing(pool: Path) -> None:
    wrapped = dataset(pool, Pairs())
    wrapped.set_epoch(0)
    for index in (-1, np.int64(11), torch.tensor(11)):
        np.testing.assert_array_equal(wrapped[index][0], wrapped[11][0])
    for index in (12, -13):
        with pytest.raises(IndexError, match=f"sample {index} of a data set of 12"):
            wrapped[index]
    for one, other in zip(wrapped.__getitems__([3, 1]), (wrapped[3], wrapped[1]), strict=True):
        np.testing.assert_array_equal(one[0], other[0])


def test_an_image_that_could_not_be_read_is_named(pool: Path) -> None:
    class Lossy(HRNetLike):
        def __getitem__(self, index: int) -> Any:
            image, *rest = super().__getitem__(index)
            return (None if index == 7 else image, *rest)

    with pytest.raises(AdapterError, match=r"sample 7 of Lossy: .*NoneType"):
        dataset(pool, Lossy())[7]


def test_descriptions_of_no_epoch_are_refused(pool: Path) -> None:
    with pytest.raises(ValueError, match="an epoch must not be negative, but got -3"):
        dataset(pool).describe(1, epoch=-3)


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))])
def test_copies_share_with_their_own_workers(pool: Path, duplicate: Any) -> None:
    twin = duplicate(dataset(pool))
    loader = DataLoader(twin, 8, num_workers=2)
    first, second = images(loader), images(loader)
    assert not torch.equal(first, second)
    twin.set_epoch(0)
    assert torch.equal(images(loader), first)
    assert twin.stats()["samples"] == 72


def test_the_base_hears_of_the_epoch_too(pool: Path) -> None:
    class Told(HRNetLike):
        epoch = -1

        def set_epoch(self, epoch: int) -> None:
            self.epoch = epoch

    base = Told()
    ASDADataset(dataset(pool, base), ROR(), seed=0).set_epoch(5)
    assert base.epoch == 5
    with pytest.raises(ValueError, match="must not be negative"):
        dataset(pool).set_epoch(-1)


def test_ranks_differ_by_index_only_and_are_told_to_set_epochs(pool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = dataset(pool), dataset(pool)
    for rank in (one, other):
        rank.set_epoch(3)
    assert torch.equal(one[4][0], other[4][0])
    monkeypatch.setattr(distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(distributed, "get_world_size", lambda: 2)
    counting = dataset(pool)
    with pytest.warns(UserWarning, match="each of 2 ranks counts its own reads"):
        counting[0]
    counting[1]


def test_an_occluders_adapter_is_used(pool: Path, parts: PartPool) -> None:
    class Mine:
        def read(self, sample: Any) -> Scene:
            return Scene(sample["picture"])

        def write(self, sample: Any, scene: Scene) -> Any:
            return {"picture": scene.image}

    class Pictures(Pairs):
        def __getitem__(self, index: int) -> Any:
            return {"picture": self.samples[index][0]}

    ready = PasteParts(parts, min_parts=1, classes=["face"], adapter=Mine())
    assert set(ASDADataset(Pictures(), ready, seed=0)[0]) == {"picture"}


def test_a_later_sample_that_does_not_fit_is_named(pool: Path) -> None:
    class Broken(Pairs):
        def __getitem__(self, index: int) -> Any:
            image, keypoints = super().__getitem__(index)
            boxes = np.zeros((3 if index == 2 else 1, 4)) + [5, 5, 60, 60]
            return image, {"boxes": boxes, "keypoints": keypoints[None]}

    wrapped = dataset(pool, Broken())
    wrapped[1]
    with pytest.raises(AdapterError, match="sample 2 of Broken: keypoints of 1 people do not fit boxes of 3"):
        wrapped[2]


def test_joined_data_sets_must_store_images_alike(pool: Path) -> None:
    class Bgr(HRNetLike):
        color_rgb = False

    with pytest.raises(ConfigError, match="wrap each before joining"):
        dataset(pool, ConcatDataset([HRNetLike(), Bgr()]))


def test_a_data_set_that_grows_says_so(pool: Path) -> None:
    base = HRNetLike(4)
    wrapped = dataset(pool, base)
    base.length = 6
    with pytest.raises(RuntimeError, match="grown from 4 samples"):
        wrapped[5]


def test_other_attributes_are_the_bases(pool: Path) -> None:
    wrapped = dataset(pool)
    assert wrapped.num_joints == 17
    assert len(wrapped) == 24
    with pytest.raises(AttributeError, match="nothing"):
        wrapped.nothing  # noqa: B018
    again = pickle.loads(pickle.dumps(wrapped))
    assert again.num_joints == 17
    assert torch.equal(again[5][0], dataset(pool)[5][0])
    assert "HRNetLike" in repr(wrapped)


def test_an_empty_data_set(pool: Path) -> None:
    assert len(dataset(pool, Pairs(0))) == 0


def test_the_pool_may_be_a_pool_a_path_or_an_occluder(pool: Path, parts: PartPool) -> None:
    ready = PasteParts(parts, min_parts=1, classes=OPTIONS["classes"])
    expected = dataset(pool)[2][0]
    assert torch.equal(dataset(str(pool))[2][0], expected)
    assert torch.equal(dataset([pool])[2][0], expected)
    assert torch.equal(dataset(parts)[2][0], expected)
    assert torch.equal(ASDADataset(HRNetLike(), ready, seed=7)[2][0], expected)
    with pytest.raises(ConfigError, match="pass num_parts to PasteParts, not beside it"):
        ASDADataset(HRNetLike(), ready, num_parts=2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"defer": True, "mask": True}, "mask=True needs pasted parts"),
        ({"defer": True, "tile": 4}, "tile must lie"),
        ({"p": 2}, "p must lie"),
        ({"close_last_epochs": 2}, "needs epochs"),
        ({"classes": ["nose"]}, "no class 'nose'"),
        ({"skeleton": "openpose"}, "skeleton must be one of"),
        ({"num_part": 2}, "no option num_part; .*num_parts"),
        ({"skip": 3}, "skip must be a function"),
        ({"adapter": object()}, "read and write"),
    ],
)
def test_wrong_options_are_named(pool: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        dataset(pool, **options)


def test_collated_samples_of_all_epochs_differ(pool: Path) -> None:
    wrapped = dataset(pool, HRNetLike(2))
    first, second = (default_collate([wrapped[0], wrapped[1]]) for _ in range(2))
    assert not torch.equal(first[0], second[0])


@pytest.mark.parametrize("kind", [HRNetLike, Pairs])
def test_images_that_the_base_keeps_stay_as_they_were(pool: Path, kind: Any) -> None:
    base = kind(8)
    samples = [base[index] for index in range(8)]
    before = copy.deepcopy(samples)
    wrapped = dataset(
        pool,
        Subset(samples, range(8)),
        mean=MEAN if kind is HRNetLike else None,
        std=STD if kind is HRNetLike else None,
    )
    for _ in range(3):
        touched = [wrapped[index][0] for index in range(8)] + [each[0] for each in wrapped.__getitems__([0, 1, 1, 0])]
    assert any((image != before[index][0]).any() for index, image in enumerate(touched[:8]))
    for sample, same in zip(samples, before, strict=True):
        assert not differences(same, sample)
