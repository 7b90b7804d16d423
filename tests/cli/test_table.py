"""The table of commands."""

import pytest

from mlff_cli.cli.table import COMMANDS, every_command, meant
from mlff_cli.config.shipped import shipped


@pytest.mark.parametrize("name", every_command())
def test_every_command_can_be_loaded(name):
    command = every_command()[name]
    module = command.load()
    assert callable(module.main if command.config is None else module.run)


@pytest.mark.parametrize("name", every_command())
def test_bare_words_belong_to_a_key_that_there_is(name):
    command = every_command()[name]
    assert not command.positional or command.positional in shipped(command.config)


def test_an_action_right_behind_its_command_makes_another_one():
    name, command, rest = meant(["features", "extract", "seed=1"])
    assert (name, command.config, rest) == ("features extract", "extract", ["seed=1"])
    name, command, rest = meant(["features", "seed=1", "extract"])
    assert (name, command, rest) == ("features", COMMANDS["features"], ["seed=1", "extract"])
