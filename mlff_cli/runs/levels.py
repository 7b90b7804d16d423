"""The levels that a run chooses by its task: `backbone.levels=auto`.

Chosen once, by the training images of the first experience: later ones are not there yet when it is
learned, and the layers of all heads read the same inputs, so that each image is read once.
"""

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from mlff_cli.audit.levels import LevelChoice, choose_levels
from mlff_cli.audit.separability import Separability
from mlff_cli.config.levels import are_chosen, chosen
from mlff_cli.errors import UserError
from mlff_cli.methods.base import Method
from mlff_cli.runs.modalities import refuse_several
from mlff_cli.runs.parent import Parent
from mlff_cli.system.files import write_atomically
from mlff_cli.tasks.task import Task

FILE = "levels.checkpoint"
"""Keeps the choice in the state of an unfinished run, and goes with it."""

log = logging.getLogger(__name__)


def refuse_levels(config: Mapping[str, Any], method: Method, parent: Parent | None) -> None:
    """Refuse a choice of levels that cannot be made.

    Raises:
        UserError: The method reads no features, or several images of each part are read, or names
            stand behind auto that no run wrote.
    """
    if not are_chosen(config):
        return
    if not method.reads_features:
        raise UserError(
            "backbone.levels=auto chooses by the features of a frozen backbone, which "
            f"method={config['method']['name']} trains; name levels instead, or leave the key away"
        )
    refuse_several(config, "backbone.levels=auto")
    if chosen(config) and parent is None:
        raise UserError(
            f"backbone.levels: expected auto alone, found names behind it: {chosen(config)}; only "
            "a run writes those that it chose. To choose them yourself leave auto away"
        )


def level_choice(
    config: Mapping[str, Any], task: Task, method: Method, *, state: Path, parent: Parent | None
) -> LevelChoice | None:
    """Return the levels that a run reads; None where they are not chosen by the task.

    Those of a run that broke off, or that this one goes on from, stay.

    Args:
        config: Of the run.
        task: Its task.
        method: Made with all levels: what it reads of an image is then computed in one pass.
        state: Folder of the state of the unfinished run.
        parent: What it goes on from.
    """
    if not are_chosen(config):
        return None
    if parent is not None:
        known = parent.record.levels
        return replace(known, extraction_seconds=0.0) if known else None
    if (kept := _kept(state / FILE)) is not None:
        return kept
    first = next(e for e in task.experiences if e.learned)
    features = method.context.features
    features.ensure([record.image for record in first.train], method.adapters.fusion.inputs)
    choice = choose_levels(Separability.of(features, first), first.name)
    choice = replace(choice, extraction_seconds=features.seconds)
    state.mkdir(parents=True, exist_ok=True)
    write_atomically(state / FILE, msgspec.json.encode(choice))
    log.info("levels chosen by '%s': %s", choice.experience, ", ".join(choice.levels))
    return choice


def _kept(file: Path) -> LevelChoice | None:
    """Return the choice that a file keeps; None where it is not there or damaged: it is made anew.

    From the same images it is the same.
    """
    try:
        return msgspec.json.decode(file.read_bytes(), type=LevelChoice)
    except (FileNotFoundError, msgspec.MsgspecError):
        return None
