"""``mlff evaluate``: score a finished run again from its adapters; never trains."""

import logging
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mlff_cli.config.schema import check
from mlff_cli.errors import UserError, nearest
from mlff_cli.methods.base import Method
from mlff_cli.results.cells import Row
from mlff_cli.results.renderers.terminal import across, console
from mlff_cli.results.table import Column, Table
from mlff_cli.runs.adapters_file import load_adapters
from mlff_cli.runs.building import Task, build_method, build_task
from mlff_cli.runs.folder import RunFolder
from mlff_cli.runs.loop import experience_scores
from mlff_cli.system.logs import logging_to
from mlff_cli.tasks.experience import Experience, SplitName

log = logging.getLogger(__name__)


def run(config: Mapping[str, Any]) -> int:
    """Print the scores of the run's final model, beside the saved ones where there are such."""
    folder = RunFolder(Path(config["run"]).expanduser())
    own = config_of_run(folder, config)
    other = config.get("data") is not None
    if other:
        own["data"] = {**config["data"], "image_size": own["data"]["image_size"]}
    with logging_to(None):
        task = build_task(own, only_scored=other)
        method = build_method(own)
        heads = restore(method, folder)
        if other:
            experiences = _read_by(task, heads, config["use_head"])
            scores = {e.name: experience_scores(method, e, "test") for e in experiences}
            _print(scores, {})
        else:
            split: SplitName = own["splits"]["scored"]
            readable = [e for e in task.experiences if method.reads(e)]
            scores = {e.name: experience_scores(method, e, split) for e in readable}
            _print(scores, saved_scores(folder, task))
    print(folder.path, f"on dataset={own['data']['name']}" if other else "")
    return 0


def restore(method: Method, folder: RunFolder) -> list[dict[str, Any]]:
    """Load the run's adapters into the method and return its heads: name and outputs of each."""
    state, heads = load_adapters(folder.adapters, method.context.recipe.fingerprint)
    for head in heads:
        method.adapters.prepare(head["name"], len(head["outputs"]))
    try:
        method.load(state)
    except RuntimeError as error:
        raise UserError(
            f"{folder.adapters}: does not fit {folder.path / 'config.yaml'} ({error})"
        ) from error
    return heads


def config_of_run(folder: RunFolder, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the run's config with this command's device and feature store."""
    own = folder.config()
    try:
        check(own, "train")
    except UserError as error:
        raise UserError(f"{folder.path / 'config.yaml'}: {error}") from error
    if not folder.finished:
        raise UserError(f"{folder.path}: is not finished; mlff train of its config takes it up")
    own["trainer"] = {**own["trainer"], **_where(config["trainer"])}
    own["paths"] = dict(config["paths"])
    return own


def _where(trainer: Mapping[str, Any]) -> dict[str, Any]:
    # The precision stays the run's own: it changes numbers.
    return {key: trainer[key] for key in ("device", "workers")}


def _read_by(task: Task, heads: list[dict[str, Any]], wanted: str) -> list[Experience]:
    """Return another dataset's experiences, all images of each, as the run's heads read them."""
    outputs = {head["name"]: tuple(head["outputs"]) for head in heads}
    if wanted and wanted not in outputs:
        raise UserError(f"use_head: the run has no head '{wanted}'; {nearest(wanted, outputs)}")
    experiences = []
    for experience in task.experiences:
        name = wanted or (experience.name if experience.name in outputs else "")
        name = name or (next(iter(outputs)) if len(outputs) == 1 else "")
        if not name:
            raise UserError(
                f"no head is named '{experience.name}'; choose one with use_head=... "
                f"(there are: {', '.join(outputs)})"
            )
        experiences.append(replace(experience, head=name, outputs=outputs[name]))
    return experiences


def saved_scores(folder: RunFolder, task: Task) -> dict[str, dict[str, float]]:
    """Return the final row of the saved matrix by experience and metric."""
    matrix = folder.matrix()
    return {
        experience.name: {
            metric: matrix.score(metric, matrix.learned, experience.index).value
            for metric in matrix.metrics
        }
        for experience in task.experiences
    }


def _print(
    scores: Mapping[str, Mapping[str, float]], saved: Mapping[str, Mapping[str, float]]
) -> None:
    columns = [Column("experience"), Column("metric"), Column("score", "score")]
    columns += [Column("saved", "score")] if saved else []
    rows: list[Row] = [
        {
            "experience": experience,
            "metric": metric,
            "score": _known(value),
            "saved": _known(saved.get(experience, {}).get(metric, math.nan)),
        }
        for experience, values in scores.items()
        for metric, value in values.items()
    ]
    console().print(across(Table("", columns, rows)))


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
