import numpy as np
import pytest

from mlff_cli.audit import near_duplicates as leakage
from mlff_cli.audit.near_duplicates import exact_duplicates, near_duplicates

TRAINED, SCORED = range(150), range(150, 200)


@pytest.fixture
def features():
    """Two hundred images of four classes, ten of the scored ones nearly training images."""
    random = np.random.default_rng(0)
    classes = 3 * random.standard_normal((4, 60))
    rows = classes[np.arange(200) % 4] + random.standard_normal((200, 60))
    for copy in range(10):
        rows[150 + copy] = rows[7 * copy] + 0.05 * random.standard_normal(60)
    return (100 + rows * np.geomspace(0.01, 100, 60)).astype(np.float32)


def reading(features, asked=None):
    """Give the features in two blocks, as of two levels, and note how many rows are asked for."""

    def read(positions):
        if asked is not None:
            asked.append(len(positions))
        return [features[positions, :20], features[positions, 20:]]

    return read


def test_planted_near_duplicates_are_found_with_their_partners_and_nothing_else(features):
    found = near_duplicates(reading(features), TRAINED, SCORED)
    assert {(pair.scored, pair.trained) for pair in found} == {(150 + k, 7 * k) for k in range(10)}
    assert all(0.95 < pair.similarity <= 1.0001 for pair in found)
    assert [p.similarity for p in found] == sorted((p.similarity for p in found), reverse=True)


def test_images_of_one_class_are_no_duplicates(features):
    assert near_duplicates(reading(features), TRAINED, range(160, 200)) == []


def test_scale_and_offset_of_a_channel_do_not_matter(features):
    pairs = [(p.scored, p.trained) for p in near_duplicates(reading(features), TRAINED, SCORED)]
    changed = features * np.geomspace(1e-3, 1e3, 60, dtype=np.float32) - 7
    again = [(p.scored, p.trained) for p in near_duplicates(reading(changed), TRAINED, SCORED)]
    assert sorted(again) == sorted(pairs)


def test_small_parts_give_the_same_pairs_and_bound_what_is_read_at_once(features, monkeypatch):
    whole = near_duplicates(reading(features), TRAINED, SCORED)
    monkeypatch.setattr(leakage, "READ_AT_ONCE", 32)
    monkeypatch.setattr(leakage, "COMPARED_AT_ONCE", 7)
    asked: list[int] = []
    parts = near_duplicates(reading(features, asked), TRAINED, SCORED)
    assert [(p.scored, p.trained) for p in parts] == [(p.scored, p.trained) for p in whole]
    monkeypatch.setattr(leakage, "SAMPLE", 50)
    asked.clear()
    near_duplicates(reading(features, asked), TRAINED, SCORED)
    assert max(asked) <= 50


def test_the_same_each_time(features):
    first = near_duplicates(reading(features), TRAINED, SCORED)
    assert near_duplicates(reading(features), TRAINED, SCORED) == first


@pytest.mark.parametrize(("trained", "scored"), [([], [1, 2]), ([1, 2], []), ([], [])])
def test_without_images_on_one_side_there_is_nothing(features, trained, scored):
    assert near_duplicates(reading(features), trained, scored) == []


def test_constant_features_tell_nothing():
    flat = np.full((20, 60), 3.0, np.float32)
    assert near_duplicates(reading(flat), range(10), range(10, 20)) == []


def test_few_images(features):
    rows = features[[0, 1, 2, 3, 0]]
    found = near_duplicates(reading(rows), range(4), [4])
    assert [(pair.scored, pair.trained) for pair in found] == [(4, 0)]


def test_exact_duplicates_name_the_first_training_image_of_the_same_content():
    assert exact_duplicates(["a", "b", "a", "c", "a", "b"], range(3), range(3, 6)) == [
        (4, 0),
        (5, 1),
    ]
