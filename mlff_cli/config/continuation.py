"""The config of a run that goes on from another: that one's, but for what is asked for."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

from mlff_cli.config.identity import completed
from mlff_cli.config.modalities import several
from mlff_cli.config.plug_ins_needed import refuse_other_plug_ins
from mlff_cli.config.saved import read_config
from mlff_cli.config.schema import flatten
from mlff_cli.config.shipped import SECTIONS
from mlff_cli.errors import UserError

FROM = "from"

FIXED = ("backbone", "fusion", "head", "schedule", "features")
"""Sections in which a run goes on as it began: what was learned would not fit any other."""

TAKEN = (*FIXED, "method", "splits", "seed", "task")
"""What is taken over; further keys of these may be given anew."""

MODALITIES = ("modalities", "modality_dropout")

ALWAYS_TAKEN, TAKEN_OF_SAME_KIND = ("image_size", *MODALITIES), ("variations", "good")
"""Keys of `data`: what fits every data set, and what fits one of the same kind."""

FILES = ("folder", "csv")
"""Kinds of data sets that are alike but for how their images are listed."""

TAKEN_OF_TRAINER = ("precision", "batch_size")
"""Keys of `trainer` by which features differ, if in their last digits alone."""

ELSEWHERE = ("backbone.weights", "features.store")
"""Keys of fixed sections that may be given: where the same thing lies now."""


def going_on(config: Mapping[str, Any], words: Sequence[str]) -> dict[str, Any]:
    """Return a config of `mlff train` with what it takes over from the run that `from` names.

    Args:
        config: Composed; the parts of it that no word asks for are the shipped defaults.
        words: The overrides that it was composed of.

    Raises:
        UserError: There is no such run, no new images are given, or a key would change what was
            learned.
    """
    place = config.get(FROM)
    if place is None:
        return dict(config)
    parent = completed(read_config(Path(str(place)).expanduser()))
    try:
        refuse_other_plug_ins(parent)
    except UserError as error:
        raise UserError(f"from={place}: {error}") from error
    asked = {word.partition("=")[0].lstrip("+~") for word in words}
    if not any(
        key in ("dataset", "task", "experiment") or key.startswith("data.") for key in asked
    ):
        raise UserError(
            "from= needs the new images: dataset=folder data.root=<folder>, or another dataset; "
            "those of the run are learned already"
        )
    whole = deepcopy(dict(config))
    for section in TAKEN:
        whole[section] = _taken(section, whole.get(section), parent.get(section), asked)
    whole["data"] = _data(whole["data"], parent["data"], asked)
    for key in TAKEN_OF_TRAINER:
        if f"trainer.{key}" not in asked and "trainer" not in asked:
            whole["trainer"] = {**whole["trainer"], key: parent["trainer"][key]}
    if whole["data"]["image_size"] != parent["data"]["image_size"]:
        raise _unfitting("data.image_size", parent["data"]["image_size"])
    here, there = (several(data.get("modalities")) for data in (whole["data"], parent["data"]))
    if here != there:
        raise _unfitting("data.modalities", there)
    return whole


def _taken(section: str, own: Any, parent: Any, asked: set[str]) -> Any:
    """Return a section of the parent with the keys in it that are asked for."""
    group = SECTIONS.get(section, "")
    if group in asked and own["name"] != parent["name"]:
        raise _unfitting(group, parent["name"])
    if not isinstance(parent, Mapping):
        return own if section in asked else parent
    taken = deepcopy(dict(parent))
    for key, value in dict(flatten(own or {})).items():
        path = f"{section}.{key}"
        if path not in asked or taken.get(key) == value:
            continue
        if section in FIXED and path not in ELSEWHERE:
            raise _unfitting(path, taken.get(key))
        taken[key] = value
    return taken


def _data(own: Mapping[str, Any], parent: Mapping[str, Any], asked: set[str]) -> dict[str, Any]:
    """Return the section of the new images, with what holds for the old ones as well."""
    kinds = {own["name"], parent["name"]}
    alike = len(kinds) == 1 or kinds <= set(FILES)
    taken = (*ALWAYS_TAKEN, *TAKEN_OF_SAME_KIND) if alike else ALWAYS_TAKEN
    new = {key: parent[key] for key in taken if key in parent and key in own}
    return {**own, **{key: value for key, value in new.items() if f"data.{key}" not in asked}}


def _unfitting(key: str, value: Any) -> UserError:
    return UserError(
        f"{key}: the run that from= names was made with {value!r}, and what it learned fits "
        f"nothing else; leave {key}= away, or train all products anew without from="
    )
