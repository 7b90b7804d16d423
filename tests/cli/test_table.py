"""The table of commands."""

import pytest

from mlff_cli.cli.table import COMMANDS
from mlff_cli.config.shipped import shipped


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_can_be_loaded(name):
    command = COMMANDS[name]
    module = command.load()
    assert callable(module.main if command.config is None else module.run)


@pytest.mark.parametrize("name", COMMANDS)
def test_bare_words_belong_to_a_key_that_there_is(name):
    command = COMMANDS[name]
    assert not command.positional or command.positional in shipped(command.config)
