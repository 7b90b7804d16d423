"""What a task or an experiment sets for methods: counts for those that have such a key."""

from collections.abc import Collection, Mapping
from typing import Any

from mlff_cli.config.schema import schema_of
from mlff_cli.config.shipped import choices, shipped

METHOD = "method"


def for_this_method(config: Mapping[str, Any], words: Collection[str]) -> dict[str, Any]:
    """Return a config without the keys of its section `method` that only other methods have.

    `task=component_offsets` sets method.dropout, and method=closed_form has none. What no method
    has stays, and what a word (``method.dropout=0.5``) asks for: both are refused later.
    """
    section = config.get(METHOD)
    path = schema_of(METHOD, section)
    if path is None or not isinstance(section, Mapping):
        return dict(config)
    others = {key for choice in choices(METHOD) for key in shipped(f"{METHOD}/{choice}")}
    asked = {word.partition("=")[0].lstrip("+") for word in words}
    return {
        **config,
        METHOD: {
            key: value
            for key, value in section.items()
            if key in shipped(path) or key not in others or f"{METHOD}.{key}" in asked
        },
    }
