"""Bare words behind a command, its folders or its action, as overrides of its config."""

import os
from collections.abc import Sequence

from mlff_cli.cli.table import Command
from mlff_cli.errors import UserError


def overrides(name: str, command: Command, words: Sequence[str]) -> list[str]:
    """Return the words with bare ones as ``key=value``, quoted against Hydra's grammar.

    Raises:
        UserError: The action is missing, or there are too many bare words.
    """
    if command.action:
        if list(words[:1]) != [command.action]:
            raise UserError(f"mlff {name} has one action: mlff {name} {command.action} task=...")
        words = words[1:]
    bare = [word for word in words if command.positional and _is_bare(word)]
    others = [word for word in words if word not in bare]
    return [_override(command, bare), *others] if bare else others


def _override(command: Command, bare: Sequence[str]) -> str:
    from mlff_cli.config.overrides import text_value

    values = [text_value(word) for word in bare]
    if command.several:
        return f"{command.positional}=[{','.join(values)}]"
    if len(values) > 1:
        wanted = "run folder" if command.positional == "run" else command.positional
        raise UserError(f"this command takes one {wanted}, not {len(values)}")
    return f"{command.positional}={values[0]}"


def _is_bare(word: str) -> bool:
    """Whether a word is a folder and no ``key=value``: folders may have "=" in their names."""
    return "=" not in word.partition("/")[0] or os.path.isdir(word)  # noqa: PTH112 pathlib is slower
