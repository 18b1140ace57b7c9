"""The taxonomy of every scheme, on synthetic people drawn in that scheme."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from oracles.segmentation import segment as slow_segment
from partpool import ASDA26, LabelScheme, PartPool, build, find_pairs
from partpool.segment.segmenter import Segmenter
from partpool.synthetic.people import VIEWS, draw_person, write_pairs
from partpool.taxonomy.builtin import DEFAULTS, against_asda26, builtin_taxonomy, default_taxonomy, other_side
from partpool.taxonomy.keypoints import MPII_KEYPOINTS
from partpool.taxonomy.part_classes import Taxonomy
from partpool.taxonomy.schemes import SCHEMES

PEOPLE = 24

# Nobody is drawn with a bag, a belt, or an open mouth; bare feet and trunks are always covered.
NEVER_DRAWN = {"bag", "belt", "left-foot", "right-foot"}

SIDED = [
    ("left-arm", "left_elbow"), ("right-arm", "right_elbow"), ("left-leg", "left_knee"), ("right-leg", "right_knee"),
    ("left-shoe", "left_ankle"), ("right-shoe", "right_ankle"), ("left-lower-arm", "left_wrist"),
    ("right-upper-leg", "right_knee"),
]  # fmt: skip


@pytest.mark.parametrize("name", SCHEMES)
def test_classes_mirror_and_travel_as_plain_data(name: str) -> None:
    taxonomy = default_taxonomy(SCHEMES[name])
    for class_id, part in enumerate(taxonomy.classes):
        partner = taxonomy.mirror(class_id)
        assert taxonomy.mirror(partner) == class_id
        assert taxonomy.names[partner] == (other_side(part.name) or part.name)
        swapped = {(other_side(point.replace("_", "-")) or point).replace("-", "_") for point in part.keypoints}
        assert swapped == set(taxonomy.classes[partner].keypoints)
        assert {other_side(label) or label for label in part.labels} == set(taxonomy.classes[partner].labels)
    scheme = LabelScheme.from_dict(json.loads(json.dumps(taxonomy.scheme.to_dict())))
    assert scheme == SCHEMES[name]
    assert Taxonomy.from_dict(json.loads(json.dumps(taxonomy.to_dict())), scheme) == taxonomy
    assert builtin_taxonomy(name) == builtin_taxonomy(taxonomy.name) == taxonomy


@pytest.mark.parametrize("name", SCHEMES)
def test_every_label_is_in_some_class(name: str) -> None:
    taxonomy = DEFAULTS[name]
    used = {label for part in taxonomy.classes for label in part.labels + part.bridge}
    assert used == set(taxonomy.scheme.labels[1:])


def test_cihp_differs_by_what_ten_is() -> None:
    assert against_asda26(DEFAULTS["cihp"]) == (["jumpsuits"], ["torso-skin"])
    for name in ("upper-body", "upper-body-with-head", "whole-body"):
        expected = set(ASDA26[name].labels) - {"jumpsuits"} | {"torso-skin"}
        assert set(DEFAULTS["cihp"][name].labels) == expected


@pytest.mark.parametrize("name", SCHEMES)
@pytest.mark.slow
def test_synthetic_people_of_the_scheme(name: str, tmp_path: Path) -> None:
    """Every class is found, made of its own labels, and on the side that its name says."""
    scheme = SCHEMES[name]
    write_pairs(tmp_path, PEOPLE, scheme, seed=3)
    source = find_pairs(tmp_path / "images", tmp_path / "labels", name, single_person=True)
    report = build(source, tmp_path / "pool.h5")
    assert not report.failed
    pool = PartPool(tmp_path / "pool.h5")
    assert pool.taxonomy == DEFAULTS[name]
    empty = {part.name for part in pool.classes if not pool.count(part.name)}
    assert empty <= NEVER_DRAWN | ({"torso"} if name.startswith("sapiens") else set())
    people = {
        f"{n:06d}.jpg": draw_person(np.random.default_rng((3, n)), VIEWS[n % len(VIEWS)], scheme) for n in range(PEOPLE)
    }
    for class_name, joint in SIDED:
        if class_name not in pool.taxonomy.names:
            continue
        nearer = []
        for index in pool.indices(class_name):
            part = pool[int(index)]
            x0, y0, x1, y1 = part.box.tolist()
            centre = np.array([x0 + x1, y0 + y1]) / 2
            own, other = (
                people[part.source].keypoints[MPII_KEYPOINTS.index(each), :2]
                for each in (joint, (other_side(joint.replace("_", "-")) or "").replace("-", "_"))
            )
            nearer.append(np.hypot(*(centre - own)) < np.hypot(*(centre - other)))
        assert nearer
        assert np.mean(nearer) > 0.8, class_name


@pytest.mark.parametrize("name", ["sapiens2-29", "densepose-24", "pascal-person-part-schp", "atr"])
def test_pieces_and_splits_equal_the_oracle(name: str) -> None:
    """Candidates of classes that are pieces of one thing, against the slow implementation."""
    taxonomy = DEFAULTS[name]
    segmenter = Segmenter(taxonomy)
    for number in range(3):
        labels = draw_person(np.random.default_rng(number), VIEWS[2 * number], taxonomy.scheme).labels[::3, ::3]
        fast = segmenter(np.ascontiguousarray(labels))
        assert fast is not None
        found = sorted((taxonomy.names[segment.class_id], segment.area) for segment in fast.segments)
        assert found == sorted((each.name, int(each.mask.sum())) for each in slow_segment(labels, taxonomy)[0])


def test_a_scheme_of_ones_own_gets_a_class_for_each_label() -> None:
    scheme = LabelScheme("own", ("background", "left-arm", "right-arm", "left-fin", "hat"))
    taxonomy = default_taxonomy(scheme)
    assert taxonomy.names == scheme.labels[1:]
    assert [part.mirror for part in taxonomy.classes] == ["right-arm", "left-arm", None, None]
    assert taxonomy["hat"].size == ASDA26["hat"].size
    # Another scheme of the same name is not the built-in one.
    assert default_taxonomy(LabelScheme("lip", ("background", "hat"))).names == ("hat",)
