from __future__ import annotations

import pickle
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from asda_aug import PartSampler
from partpool import PartPool
from partpool.errors import ConfigError


def drawn_classes(sampler: PartSampler, times: int = 3000) -> Counter[str]:
    rng = np.random.default_rng(0)
    class_ids = sampler.pool.columns["class_id"]
    names = sampler.pool.taxonomy.names
    return Counter(names[class_ids[index]] for _ in range(times) for index in sampler.draw(rng))


def common(pool: PartPool, at_least: int) -> list[str]:
    return [name for name in pool.taxonomy.names if pool.count(name) >= at_least]


def test_classes_are_uniform_and_parts_within_them(parts: PartPool) -> None:
    sampler = PartSampler(parts, classes=["face", "left-arm", "pants"], min_parts=1)
    counts = drawn_classes(sampler)
    assert set(counts) == {"face", "left-arm", "pants"}
    assert all(abs(count - 1000) < 110 for count in counts.values())
    rng = np.random.default_rng(1)
    faces = PartSampler(parts, classes=["face"], min_parts=1)
    seen = Counter(faces.draw(rng)[0] for _ in range(600))
    assert set(seen) == set(parts.indices("face").tolist())
    assert max(seen.values()) < 2 * min(seen.values())


def test_rare_classes_are_left_out_and_named_once(parts: PartPool) -> None:
    rare = set(parts.taxonomy.names) - set(common(parts, 5))
    with pytest.warns(UserWarning, match="fewer than 5 parts are left out") as warned:
        sampler = PartSampler(parts, min_parts=5)
    assert len(warned) == 1
    assert all(name in str(warned[0].message) for name in rare)
    assert set(drawn_classes(sampler)) <= set(common(parts, 5))


def test_weights_by_name(parts: PartPool) -> None:
    classes = ["face", "left-arm", "pants"]
    counts = drawn_classes(PartSampler(parts, classes=classes, class_weights={"face": 2, "pants": 0}, min_parts=1))
    assert set(counts) == {"face", "left-arm"}
    assert 1850 < counts["face"] < 2150


def test_weights_of_what_is_not_drawn_warn(parts: PartPool) -> None:
    with pytest.warns(UserWarning, match="not drawn from: left-arm"):
        PartSampler(parts, classes=["face"], class_weights={"left-arm": 2}, min_parts=1)


def test_paths_and_numpy_numbers(pool: Path) -> None:
    sampler = PartSampler(pool, np.int64(2), classes=["face", "face"], min_parts=1)
    assert sampler.num_parts == [2]
    assert len(sampler.class_ids) == 1
    assert PartSampler(pool, np.array([1, 2]), classes=["face"], min_parts=1).num_parts == [1, 2]


def test_live_weights_are_asked_at_every_draw(parts: PartPool) -> None:
    class Live:
        def __init__(self) -> None:
            self.weights = np.zeros(len(parts.classes))

        def probabilities(self) -> NDArray[np.float64]:
            return self.weights

    live = Live()
    sampler = PartSampler(parts, classes=["face", "pants"], class_weights=live, min_parts=1)
    for name in ("face", "pants", "face"):
        live.weights[:] = 0
        live.weights[parts.taxonomy.id(name)] = 0.3
        assert set(drawn_classes(sampler, 50)) == {name}
    live.weights[:] = 0
    assert set(drawn_classes(sampler, 50)) == {"face", "pants"}


def test_number_of_parts(parts: PartPool) -> None:
    rng = np.random.default_rng(0)
    assert {len(PartSampler(parts, 3, min_parts=1, classes=["face"]).draw(rng)) for _ in range(20)} == {3}
    several = PartSampler(parts, {0, 1, 4}, min_parts=1, classes=["face"])
    assert {len(several.draw(rng)) for _ in range(100)} == {0, 1, 4}
    assert several.num_parts == [0, 1, 4]


def test_the_same_numbers_draw_the_same_parts(parts: PartPool) -> None:
    sampler = PartSampler(parts, 2, classes=common(parts, 1), min_parts=1)
    again = pickle.loads(pickle.dumps(sampler))
    for seed in range(20):
        assert sampler.draw(np.random.default_rng(seed)) == again.draw(np.random.default_rng(seed))


def test_several_files_are_one_pool(pool: Path) -> None:
    twice = PartPool([pool, pool])
    once = PartPool(pool)
    sampler = PartSampler(twice, classes=["face"], min_parts=1)
    rng = np.random.default_rng(0)
    seen = {sampler.draw(rng)[0] for _ in range(500)}
    assert seen == set(once.indices("face").tolist()) | set((once.indices("face") + len(once)).tolist())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"classes": ["left-ram"]}, "no class 'left-ram'.*left-arm"),
        ({"classes": "face"}, "the string 'face'"),
        ({"class_weights": {"left-ram": 1}}, "no class 'left-ram'"),
        ({"class_weights": {"face": -1}}, "negative"),
        ({"class_weights": {"face": 0}, "classes": ["face"]}, "sum to 0"),
        ({"num_parts": 1.5}, "from 1 to 100"),
        ({"class_weights": [1, 2]}, "mapping of names, but got list"),
        ({"num_parts": 0}, "from 1 to 100"),
        ({"num_parts": -1}, "from 1 to 100"),
        ({"num_parts": ()}, "from 1 to 100"),
        ({"num_parts": {1, 200}}, "from 1 to 100"),
        ({"min_parts": 10**6}, "no class has the 1000000 parts.*smaller min_parts"),
    ],
)
def test_wrong_options_are_named(parts: PartPool, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        PartSampler(parts, **{"min_parts": 1, "classes": common(parts, 1), **options})
