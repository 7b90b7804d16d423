"""Bare words behind a command, its folders or its action, as overrides of its config."""

import os
from collections.abc import Sequence

from mlff_cli.cli.table import Command
from mlff_cli.errors import UserError, nearest


def overrides(name: str, command: Command, words: Sequence[str]) -> list[str]:
    """Return the words with bare ones as ``key=value``, quoted against Hydra's grammar.

    Raises:
        UserError: The action is missing, or there are too many bare words.
    """
    if command.action:
        if list(words[:1]) != [command.action]:
            further = "".join(f", or mlff {name} {word}" for word in command.actions)
            raise UserError(
                f"mlff {name} needs an action: mlff {name} {command.action} task=...{further}"
            )
        words = words[1:]
    bare = [word for word in words if command.positional and is_bare(word)]
    others = [word for word in words if word not in bare]
    if command.actions and bare:
        _refuse_unknown_action(name, command, bare[0])
    return [_override(command, bare), *others] if bare else others


def _refuse_unknown_action(name: str, command: Command, word: str) -> None:
    """Refuse an action that is neither a value of the key for it nor another command."""
    if word in command.actions:
        raise UserError(f"'{word}' stands right behind the command: mlff {name} {word} ...")
    known = [*actions_of(command), *command.actions]
    if word not in known:
        raise UserError(f"mlff {name} has no action '{word}'; {nearest(word, known)}")


def actions_of(command: Command) -> tuple[str, ...]:
    """Return the values of the key that takes the action of a command which has several."""
    from mlff_cli.config.shipped import key_values

    return key_values(str(command.config))[command.positional].words if command.actions else ()


def _override(command: Command, bare: Sequence[str]) -> str:
    from mlff_cli.config.overrides import text_value

    values = [text_value(word) for word in bare]
    if command.several:
        return f"{command.positional}=[{','.join(values)}]"
    if len(values) > 1:
        wanted = "run folder" if command.positional == "run" else command.positional
        raise UserError(f"this command takes one {wanted}, not {len(values)}")
    return f"{command.positional}={values[0]}"


def is_bare(word: str) -> bool:
    """Whether a word is a folder and no ``key=value``: folders may have "=" in their names."""
    return "=" not in word.partition("/")[0] or os.path.isdir(word)  # noqa: PTH112 pathlib is slower
