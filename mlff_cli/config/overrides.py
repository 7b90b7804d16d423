"""The overrides of a command line: refused early, odd values quoted, several combined."""

import re
import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from difflib import get_close_matches
from itertools import product
from numbers import Integral, Real
from os import PathLike, fspath
from typing import Any

from mlff_cli.config.shipped import choices, groups
from mlff_cli.errors import UserError, nearest

PLAIN_VALUE = re.compile(r"[-+]?[\d._]+(e[-+]?\d+)?|true|false|nan|inf", re.IGNORECASE)
"""What Hydra takes for a number or a truth value, and never for the name of a choice."""

PLAIN_TEXT = re.compile(r"[A-Za-z_./][\w./-]*", re.ASCII)
"""What Hydra takes for text as it is, unless it means something else."""


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
        override = parsed(word)
        path_with_comma = override.is_sweep_override() and "," in value and "/" in value
        as_it_is = several or not path_with_comma
    except HydraException:
        as_it_is = False
    return word if as_it_is else f"{key}={text_value(value)}"


def text_value(value: str) -> str:
    """Return a text in Hydra's quotes."""
    from hydra.core.override_parser.types import Quote, QuotedString

    return QuotedString(value, Quote.double).with_quotes()


def words_of(keys: Mapping[str, Any], section: str = "") -> list[str]:
    """Return overrides that give keys these very Python values; mappings are sections.

    Raises:
        UserError: A value of a type that no key has.
    """
    words: list[str] = []
    for name, value in keys.items():
        key = f"{section}{name}"
        if isinstance(value, Mapping):
            words += words_of(value, f"{key}.")
        else:
            words.append(f"{key}={value if key in groups() else _in_words(key, value)}")
    return words


def _in_words(key: str, value: Any) -> str:
    """Return a Python value such that Hydra reads that very value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Integral):
        return str(int(value))
    if isinstance(value, Real):
        return repr(float(value))
    if isinstance(value, str | PathLike):
        text = str(fspath(value))
        return text if PLAIN_TEXT.fullmatch(text) and not _means_else(text) else text_value(text)
    if isinstance(value, list | tuple):
        return f"[{','.join(_in_words(key, item) for item in value)}]"
    raise UserError(
        f"{key}: a {type(value).__name__} is no value of a key; give a text, a number, a list, "
        "True, False or None"
    )


def _means_else(text: str) -> bool:
    return text.lower() == "null" or PLAIN_VALUE.fullmatch(text) is not None


def combinations(words: Iterable[str]) -> list[list[str]]:
    """Return every combination of the values of overrides; of one key the last override counts.

    Raises:
        UserError: Values that cannot be counted.
    """
    options: dict[str, list[str]] = {}
    for word in words:
        override = parsed(word)
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


_typed: ContextVar[Sequence[str] | None] = ContextVar("typed", default=None)


@contextmanager
def typed(words: Sequence[str]) -> Iterator[None]:
    """Let `command_line` be these words within: what somebody would have typed for this."""
    before = _typed.set(words)
    try:
        yield
    finally:
        _typed.reset(before)


def command_line() -> str:
    """Return the command that this process carries out, for a shell."""
    words = _typed.get()
    return shlex.join(["mlff", *(sys.argv[1:] if words is None else words)])


def parsed(word: str) -> Any:
    """Return what Hydra reads in an override.

    Raises:
        HydraException: It is none.
    """
    from hydra.core.override_parser.overrides_parser import OverridesParser

    return OverridesParser.create().parse_override(word)
