"""Which keys of a config the result of a run depends on."""

from collections.abc import Mapping
from typing import Any

from mlff_cli.config.schema import ANY, schema_of
from mlff_cli.config.shipped import key_values
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
