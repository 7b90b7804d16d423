"""Bare words behind a command."""

import pytest

from mlff_cli.cli.table import COMMANDS
from mlff_cli.cli.words import overrides
from mlff_cli.errors import UserError


@pytest.mark.parametrize(
    ("name", "words", "expected"),
    [
        ("train", ["seed=1"], ["seed=1"]),
        ("evaluate", ["dataset=csv", "runs/a b"], ['run="runs/a b"', "dataset=csv"]),
        ("evaluate", ["runs/a=b,c/d"], ['run="runs/a=b,c/d"']),
        ("report", ["a", "b", "output=x"], ['runs=["a","b"]', "output=x"]),
        ("report", [], []),
        ("features", ["prune", "spaces=[a]"], ['action="prune"', "spaces=[a]"]),
        ("data", ["check", "seed=1"], ["seed=1"]),
    ],
)
def test_bare_words_become_overrides(name, words, expected):
    assert overrides(name, COMMANDS[name], words) == expected


def test_a_folder_may_be_named_like_an_override(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert overrides("evaluate", COMMANDS["evaluate"], ["a=1"]) == ["a=1"]
    (tmp_path / "a=1").mkdir()
    assert overrides("evaluate", COMMANDS["evaluate"], ["a=1"]) == ['run="a=1"']


@pytest.mark.parametrize(
    ("name", "words", "said"),
    [
        ("evaluate", ["a", "b"], "one run folder, not 2"),
        ("features", ["list", "prune"], "one action, not 2"),
        ("data", ["seed=1"], "mlff data check"),
        ("data", [], "mlff data check"),
    ],
)
def test_too_many_or_the_wrong_ones_are_refused(name, words, said):
    with pytest.raises(UserError, match=said):
        overrides(name, COMMANDS[name], words)
