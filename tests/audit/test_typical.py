"""What to label next: typical images of groups without a label, then doubtful ones."""

import numpy as np
import pytest

from mlff_cli.audit.typical import doubtful, outlying, typical, typical_and_outlying


def groups(*sizes):
    """Return rows around far corners, and the group of each."""
    draws = np.random.default_rng(0)
    centres = 10 * np.eye(len(sizes), 6)
    rows = [centre + draws.normal(0, 0.3, (n, 6)) for centre, n in zip(centres, sizes, strict=True)]
    return np.concatenate(rows).astype(np.float32), np.repeat(np.arange(len(sizes)), sizes)


def test_one_of_each_group_the_largest_first():
    rows, group = groups(10, 40, 20)
    picks = [pick.position for pick in typical(rows, 3)]
    assert group[picks].tolist() == [1, 2, 0]


def test_the_typical_one_is_amid_its_group():
    rows, group = groups(30, 30)
    rows[0] += 3.0  # at the edge of the first
    picked = next(p.position for p in typical(rows, 2) if group[p.position] == 0)
    own = rows[1:30]
    middle = np.linalg.norm(own - own.mean(axis=0), axis=1)
    assert np.linalg.norm(rows[picked] - own.mean(axis=0)) < np.median(middle)


def test_groups_that_have_a_label_wait():
    rows, group = groups(40, 20, 10)
    picks = [p.position for p in typical(rows, 2, labelled=[0])]
    assert 0 not in picks
    assert set(group[picks]) == {1, 2}


def test_what_is_like_nothing_else_comes_last():
    rows, group = groups(2, 20, 20)
    assert 0 not in group[[pick.position for pick in typical(rows, 3)][:2]]


@pytest.mark.parametrize("count", [1, 3, 7])
def test_each_once_even_if_all_are_wanted(count):
    rows = np.random.default_rng(1).normal(size=(count, 4)).astype(np.float32)
    assert sorted(pick.position for pick in typical(rows, count)) == list(range(count))


def test_images_that_are_all_the_same_can_be_chosen_from():
    picks = typical(np.ones((12, 3), np.float32), 5)
    assert len({pick.position for pick in picks}) == 5


def test_the_same_each_time():
    rows, _ = groups(20, 20, 20)
    assert typical(rows, 8) == typical(rows, 8)


def test_outlying_is_what_lies_farthest_from_all_that_is_chosen():
    rows = np.array([[0.0], [1.0], [10.0], [-4.0], [9.0]], np.float32)
    assert [pick.position for pick in outlying(rows, 3, chosen=[0])] == [2, 3, 1]


def test_half_is_typical_and_the_rest_lies_far_off_each_once():
    rows, group = groups(30, 30, 1)
    picks = [pick.position for pick in typical_and_outlying(rows, 5)]
    assert set(group[picks[:2]]) == {0, 1}
    assert group[picks[3]] == 2, "the single one is first of those that lie far off"
    assert len(set(picks)) == 5
    later = [pick.position for pick in typical_and_outlying(rows, 56, labelled=picks)]
    assert sorted([*picks, *later]) == list(range(61))


def test_copies_are_outlying_once_each():
    picks = typical_and_outlying(np.ones((6, 2), np.float32), 6)
    assert sorted(pick.position for pick in picks) == list(range(6))


def test_doubtful_is_where_the_two_highest_are_near():
    scores = np.array([[0.9, 0.1, 0.0], [0.4, 0.35, 0.25], [0.6, 0.3, 0.1]], np.float32)
    assert [pick.position for pick in doubtful(scores, 2)] == [1, 2]
