"""The overrides of a command line: refused early, odd values quoted, several combined."""

import re
import shlex
import sys
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from itertools import product
from typing import Any

from mlff_cli.config.shipped import choices, groups
from mlff_cli.errors import UserError, nearest

PLAIN_VALUE = re.compile(r"[-+]?[\d._]+(e[-+]?\d+)?|true|false|nan|inf", re.IGNORECASE)
"""What Hydra takes for a number or a truth value, and never for the name of a choice."""


def readable(words: Sequence[str], *, several: bool) -> list[str]:
    """Return overrides such that Hydra reads them as a shell user wrote them.

    Args:
        words: As they stand on the command line.
        several: Commas part values, for a sweep.

    Raises:
        UserError: A word that Hydra would answer in its own terms.
    """
    for word in words:
        _refuse_early(word)
    return [quoted(word, several=several) for word in words]


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


def combinations(words: Iterable[str]) -> list[list[str]]:
    """Return every combination of the values of overrides; of one key the last override counts.

    Raises:
        UserError: Values that cannot be counted.
    """
    options: dict[str, list[str]] = {}
    for word in words:
        override = _parsed(word)
        key = override.get_key_element()
        options[key] = _values(key, override) if override.is_sweep_override() else [word]
    return [list(chosen) for chosen in product(*options.values())]


def _refuse_early(word: str) -> None:
    key, equals, value = word.partition("=")
    if not key or not (equals or word.startswith("~")):
        group_of = {choice: group for group in groups() for choice in choices(group)}
        near = get_close_matches(word, group_of, n=1)
        hint = f"did you mean {group_of[near[0]]}={near[0]}?" if near else "write key=value"
        raise UserError(f"cannot read '{word}'; {hint}")
    if key not in groups():
        return
    if value in ("", "null"):
        raise UserError(f"{key}= needs a choice, or leave it out; {nearest('', choices(key))}")
    if PLAIN_VALUE.fullmatch(value) or value.startswith("_"):
        raise UserError(f"{key}: there is no '{value}'; {nearest(value, choices(key))}")
    if value.startswith("["):
        raise UserError(f"{key}= takes one choice; several, {key}=a,b, are for mlff sweep")


def _values(key: str, override: Any) -> list[str]:
    """Return the words of the values of a sweep, one each."""
    from hydra.errors import HydraException

    try:
        return [f"{key}={value}" for value in override.sweep_string_iterator()]
    except HydraException as error:  # of intervals and globs
        raise UserError(
            f"{key}: give its values one by one, {key}=a,b, or as {key}=range(0,3)"
        ) from error


def command_line() -> str:
    """Return the command that this process carries out, for a shell."""
    return shlex.join(["mlff", *sys.argv[1:]])


def _parsed(word: str) -> Any:
    from hydra.core.override_parser.overrides_parser import OverridesParser

    return OverridesParser.create().parse_override(word)
