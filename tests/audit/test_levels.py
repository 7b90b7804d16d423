"""Levels chosen one after another."""

import numpy as np

from mlff_cli.audit.levels import MOST, choose_levels, levels_table
from mlff_cli.audit.separability import Separability
from mlff_cli.metrics.separability import inner_products
from mlff_cli.results.renderers.markdown import render

CLASSES = np.arange(120) % 4
TARGETS = np.eye(4)[CLASSES]


def level(*told, seed=0, shift=4.0):
    """Return features in which some classes can be told from all others."""
    rows = np.random.default_rng(seed).normal(size=(120, 8))
    for place, name in enumerate(told):
        rows[:, place] += shift * (name == CLASSES)
    return inner_products(rows)


def seen(**levels):
    return Separability(levels, TARGETS, np.arange(120), numbers=False)


def test_the_levels_that_tell_something_are_chosen_in_the_order_of_depth():
    choice = choose_levels(
        seen(noise=level(seed=1), a=level(0, 1, seed=2), b=level(2, 3, seed=3)), "bolt"
    )
    assert choice.levels[-2:] == ("a", "b") or choice.levels == ("a", "b")
    assert "noise" not in choice.levels
    assert choice.experience == "bolt" and choice.images == 120 and choice.floor == 0.25


def test_no_more_than_three_and_every_try_is_kept():
    levels = {name: level(place % 4, seed=place, shift=3) for place, name in enumerate("abcde")}
    choice = choose_levels(seen(**levels), "bolt")
    assert 1 <= len(choice.levels) <= MOST
    assert {score.levels for score in choice.scores} >= {(name,) for name in "abcde"}
    assert [len(s.levels) for s in choice.scores if s.chosen] == [*range(1, 1 + len(choice.levels))]
    assert choice.scores[-1].levels != () and choice == choose_levels(seen(**levels), "bolt")


def test_one_level_is_chosen_where_there_is_only_one_or_none_tells_anything():
    assert choose_levels(seen(only=level(seed=1)), "bolt").levels == ("only",)
    nothing = np.zeros((120, 120))
    assert len(choose_levels(seen(a=nothing, b=nothing), "bolt").levels) == 1


def test_the_table_names_what_was_chosen_and_by_what():
    choice = choose_levels(seen(a=level(0, 1, 2, seed=2), b=level(seed=3)), "bolt")
    text = render(levels_table(choice))
    assert "a: chosen by 120 training images of 'bolt'" in text.replace("\\", "")
    assert sum("| chosen |" in line for line in text.splitlines()) == len(choice.levels)
