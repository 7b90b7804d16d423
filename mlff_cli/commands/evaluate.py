"""``mlff evaluate``: score a finished run again from its adapters; never trains."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mlff_cli.config.schema import check
from mlff_cli.errors import UserError, nearest
from mlff_cli.methods.base import Method
from mlff_cli.results.terminal import console
from mlff_cli.runs.adapters_file import load_adapters
from mlff_cli.runs.building import Task, build_method, build_task, head_class
from mlff_cli.runs.folder import RunFolder
from mlff_cli.runs.scoring import is_readable, metrics_of, score_experience
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
        restore(method, folder)
        head = head_class(own)
        if other:
            experiences = _read_by(task, method, config["use_head"])
            split: SplitName = "test"
            saved = {}
        else:
            split = own["splits"]["scored"]
            experiences = [e for e in task.experiences if is_readable(method, e)]
            saved = saved_scores(folder, task)
        scores = {
            e.name: metrics_of(score_experience(method, e, split, head), head) for e in experiences
        }
        _print(scores, saved)
    print(folder.path, f"on dataset={own['data']['name']}" if other else "")
    return 0


def restore(method: Method, folder: RunFolder) -> None:
    """Load the run's adapters into the method."""
    state = load_adapters(folder.adapters, method.context.recipe.fingerprint)
    try:
        method.load(state)
    except RuntimeError as error:
        raise UserError(
            f"{folder.adapters}: does not fit {folder.path / 'config.yaml'} ({error})"
        ) from error


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


def _read_by(task: Task, method: Method, wanted: str) -> list[Experience]:
    """Return another dataset's experiences, all images of each, as the run's heads read them."""
    outputs = method.heads
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
    matrix, seed = folder.matrix(), folder.facts().seed
    return {
        experience.name: {
            metric: matrix.score(metric, seed, matrix.learned, experience.index).value
            for metric in matrix.metrics
        }
        for experience in task.experiences
    }


def _print(
    scores: Mapping[str, Mapping[str, float]], saved: Mapping[str, Mapping[str, float]]
) -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table()
    for column in ("experience", "metric", "score", *(("saved",) if saved else ())):
        table.add_column(column, justify="left" if column in ("experience", "metric") else "right")
    for experience, values in scores.items():
        for metric, value in values.items():
            cells = [escape(experience), metric, f"{value:.6f}"]
            if saved:
                cells.append(f"{saved[experience][metric]:.6f}")
            table.add_row(*cells)
    console().print(table)
