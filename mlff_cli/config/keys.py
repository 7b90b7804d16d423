"""The keys that a command's config has, by the choices that its words make; without Hydra."""

from collections.abc import Sequence
from typing import Any

from mlff_cli.config.schema import flatten
from mlff_cli.config.shipped import (
    SECTIONS,
    choices,
    default_choices,
    key_values,
    overridden_choices,
    shipped,
)
from mlff_cli.config.values import Values


def keys_of(command: str, words: Sequence[str]) -> dict[str, Any]:
    """Return groups, and dotted keys with their defaults, of a config that overrides describe."""
    made = chosen(command, words)
    keys: dict[str, Any] = dict.fromkeys(made)
    for path, prefix in _files(command, made):
        keys |= dict(flatten(shipped(path), prefix))
    return {key: value for key, value in keys.items() if not key.endswith(".name")}


def values_of(command: str, words: Sequence[str]) -> dict[str, Values]:
    """Return the values that those of these keys may have that say so."""
    return {
        f"{prefix}{key}": values
        for path, prefix in _files(command, chosen(command, words))
        for key, values in key_values(path).items()
    }


def chosen(command: str, words: Sequence[str]) -> dict[str, str | None]:
    """Return the shipped choice in each group: the default, or an experiment's, task's, method's.

    What the words choose counts most; of several choices, for a sweep, the first.
    """
    defaults = default_choices(command)
    asked = {
        group: choice.partition(",")[0]
        for group, _, choice in (word.partition("=") for word in words)
        if group in defaults
    }
    made = defaults | asked
    for group in ("method", "task", "experiment"):
        if (choice := made.get(group)) and choice in choices(group):
            made |= overridden_choices(f"{group}/{choice}")
    return made | asked


def _files(command: str, made: dict[str, str | None]) -> list[tuple[str, str]]:
    """Return the shipped files whose keys a config has, each with the keys' prefix."""
    files = [(command, "")]
    for section, group in SECTIONS.items():
        choice = made.get(group)
        if choice in choices(group):
            files.append((f"{group}/{choice}", f"{section}."))
    return files
