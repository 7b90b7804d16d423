"""Which keys of a config the result of a run depends on."""

from collections.abc import Mapping
from typing import Any

from mlff_cli.config.schema import ANY, schema_of
from mlff_cli.config.shipped import SECTIONS, default_choices, key_values, shipped
from mlff_cli.config.values import Values


def relevant(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a config of `mlff train` without the keys that change no result.

    The comments behind these keys say so in their YAML files (see `values`). What lies in the
    files that `data.root` and the like lead to is no part of a config, and counts nevertheless:
    the identity of a run has to hold it as well. A section that is no shipped choice stays whole.
    """
    kept = _without(config, key_values("train"))
    for section, tree in kept.items():
        if path := schema_of(section, tree):
            kept[section] = _without(tree, key_values(path))
    return {key: value for key, value in kept.items() if value != {}}


def _without(tree: Mapping[str, Any], values: Mapping[str, Values], prefix: str = "") -> Any:
    return {
        key: _without(value, values, f"{prefix}{key}.") if isinstance(value, Mapping) else value
        for key, value in tree.items()
        if values.get(f"{prefix}{key}", ANY).changes_result
    }


BEFORE: Mapping[str, Mapping[str, Any]] = {
    "backbone": {"engine": "plain"},
    "method": {"start": "scratch"},
    "data": {"modalities": [], "modality_dropout": 0.2},
}
"""What was done before there were keys that say so, by section."""


def completed(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a config with the keys that it lacks and that change no result, as they are shipped.

    So a run of an older version, which did not know them, can be opened; a key that decides
    numbers is filled in with what was done `BEFORE` there was one, and the schema asks for any
    other.
    """
    whole = {**_shipped_beside(config, "train"), **_sections_beside(config), **config}
    for section, tree in config.items():
        if path := schema_of(section, tree):
            before = {k: v for k, v in BEFORE.get(section, {}).items() if k in shipped(path)}
            whole[section] = {**_shipped_beside(tree, path), **before, **tree}
    return whole


def _sections_beside(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the default choices of sections that a config lacks and that change no result."""
    defaults = default_choices("train")
    missing = {s: f"{g}/{defaults[g]}" for s, g in SECTIONS.items() if s not in config}
    return {s: shipped(p) for s, p in missing.items() if not _without(shipped(p), key_values(p))}


def _shipped_beside(tree: Mapping[str, Any], path: str) -> dict[str, Any]:
    """Return the keys of a shipped file that a tree lacks and that change no result."""
    values = key_values(path)
    return {
        key: default
        for key, default in shipped(path).items()
        if key not in tree and not values.get(key, ANY).changes_result
    }
