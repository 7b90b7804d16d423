"""The words of a command line as Hydra reads them: flags told apart, odd values quoted."""

import re
import shlex
import sys
from collections.abc import Iterable
from difflib import get_close_matches
from itertools import product
from typing import Any

from mlff_cli.config.shipped import choices, groups
from mlff_cli.errors import UserError, nearest

SHOWING = ("--cfg", "-c", "--info", "-i", "--hydra-help", "--shell-completion", "-sc")
"""Hydra's flags that print something and run nothing."""
VALUED = ("--cfg", "-c", "--package", "-p", "--config-path", "-cp", "--config-name", "-cn",
          "--config-dir", "-cd", "--info", "-i", "--experimental-rerun")  # fmt: skip
"""Hydra's flags that a value follows."""
OTHER = ("--multirun", "-m", "--run", "-r", "--resolve", "--version")


PLAIN_VALUE = re.compile(r"[-+]?[\d._]+(e[-+]?\d+)?|true|false|nan|inf", re.IGNORECASE)
"""What Hydra takes for a number or a truth value, and never for the name of a choice."""


def told_apart(words: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return flags with their values, and the words that are neither.

    Raises:
        UserError: A flag that does not exist.
    """
    flags: list[str] = []
    others: list[str] = []
    known = {*SHOWING, *VALUED, *OTHER, "--debug"}
    value_follows = False
    for word in words:
        name = word.partition("=")[0]
        if value_follows or word.startswith("-"):
            flags.append(word)
            if not value_follows and name not in known:
                raise UserError(
                    f"there is no flag '{name}'; {nearest(name, known)} Keys have no dashes: "
                    f"{name.lstrip('-')}=..."
                )
            value_follows = word in VALUED and not value_follows
        else:
            others.append(word)
    return flags, others


def is_showing(flags: Iterable[str]) -> bool:
    """Return whether Hydra prints something instead of running the command."""
    return any(flag.partition("=")[0] in SHOWING for flag in flags)


def quoted(word: str, *, several: bool) -> str:
    """Return an override such that Hydra takes its value as a shell user wrote it.

    What its grammar refuses becomes text in quotes: ``data.root=/a b/(c)=1``; and, unless
    `several` values may be given, so does a path with a comma.
    """
    from hydra.errors import HydraException

    key, equals, value = word.partition("=")
    if not equals or not value:
        return word
    try:
        override = _parsed(word)
        path_with_comma = override.is_sweep_override() and "," in value and "/" in value
        as_it_is = several or not path_with_comma
    except HydraException:
        as_it_is = False
    return word if as_it_is else f"{key}={text_value(value)}"


def text_value(value: str) -> str:
    """Return a text in Hydra's quotes."""
    from hydra.core.override_parser.types import Quote, QuotedString

    return QuotedString(value, Quote.double).with_quotes()


def refuse_early(words: Iterable[str]) -> None:
    """Raise `UserError` for words that Hydra would answer in its own terms."""
    for word in words:
        key, equals, value = word.partition("=")
        if not key or not (equals or word.startswith("~")):
            group_of = {choice: group for group in groups() for choice in choices(group)}
            near = get_close_matches(word, group_of, n=1)
            hint = f"did you mean {group_of[near[0]]}={near[0]}?" if near else "write key=value"
            raise UserError(f"cannot read '{word}'; {hint}")
        if key in groups() and value in ("", "null"):
            raise UserError(f"{key}= needs a choice, or leave it out; {nearest('', choices(key))}")
        if key in groups() and PLAIN_VALUE.fullmatch(value):
            raise UserError(f"{key}: there is no '{value}'; {nearest(value, choices(key))}")
        if key in groups() and value.startswith("["):
            raise UserError(f"{key}= takes one choice; several, {key}=a,b, are for mlff sweep")


def variations(words: list[str]) -> list[list[str]]:
    """Return overrides with one value each: the first of all, then every other value once.

    That is enough to see each value of a sweep; all combinations would be many more.
    """
    parsed = [_parsed(word) for word in words]
    options = [
        [f"{override.get_key_element()}={value}" for value in override.sweep_string_iterator()]
        if override.is_sweep_override() else [word]
        for word, override in zip(words, parsed, strict=True)
    ]  # fmt: skip
    first = [values[0] for values in options]
    rest = [
        [*first[:place], value, *first[place + 1 :]]
        for place, values in enumerate(options)
        for value in values[1:]
    ]
    return [first, *rest]


def combinations(words: list[str]) -> list[list[str]]:
    """Return every combination of the values of overrides; of one key the last override counts."""
    options: dict[str, list[str]] = {}
    for word in words:
        override = _parsed(word)
        key, values = override.get_key_element(), [word]
        if override.is_sweep_override():
            values = [f"{key}={value}" for value in override.sweep_string_iterator()]
        options[key] = values
    return [list(chosen) for chosen in product(*options.values())]


def command_line() -> str:
    """Return the command that this process carries out, for a shell."""
    words = [*sys.argv[0].split()[1:], *sys.argv[1:]]
    return shlex.join(["mlff", *(word for word in words if word != "--multirun")])


def _parsed(word: str) -> Any:
    from hydra.core.override_parser.overrides_parser import OverridesParser

    return OverridesParser.create().parse_override(word)
