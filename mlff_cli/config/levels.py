"""What `backbone.levels` says: names, or auto, behind which a run writes the names it chose."""

from collections.abc import Mapping, Sequence
from typing import Any

from mlff_cli.config.schema import schema_of
from mlff_cli.config.shipped import shipped

AUTO = "auto"


def are_chosen(config: Mapping[str, Any]) -> bool:
    """Return whether levels are chosen by the task: `auto`, or auto and the names chosen."""
    levels = _levels(config)
    return levels == AUTO or (isinstance(levels, list) and levels[:1] == [AUTO])


def chosen(config: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names that a run chose; none where it has not chosen yet, or was told them."""
    levels = _levels(config)
    return tuple(levels[1:]) if isinstance(levels, list) and are_chosen(config) else ()


def with_chosen(config: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Return a config whose levels are chosen by the task, and are these."""
    return {**config, "backbone": {**config["backbone"], "levels": [AUTO, *names]}}


def with_tapped(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a config that names the levels that the backbone is tapped at.

    Those of `auto` are the usual ones, whichever are chosen: so their features are stored once,
    and the runs that read all of them find them.
    """
    if not are_chosen(config):
        return dict(config)
    path = schema_of("backbone", config["backbone"])
    usual = shipped(path)["levels"] if path else []
    return {**config, "backbone": {**config["backbone"], "levels": usual}}


def _levels(config: Mapping[str, Any]) -> Any:
    backbone = config.get("backbone")  # whatever was written into a file by hand
    return backbone.get("levels") if isinstance(backbone, Mapping) else None
