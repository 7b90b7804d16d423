"""``mlff verify``: the audit of a finished run, from its files, its images and its backbone."""

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mlff_cli.commands.evaluate import config_of_run, restore, saved_scores
from mlff_cli.errors import SHOWN, UserError
from mlff_cli.features.identities import identities
from mlff_cli.runs.building import Task, build_method, build_task, head_class
from mlff_cli.runs.folder import RunFolder
from mlff_cli.runs.report import figures
from mlff_cli.runs.scoring import is_readable, metrics_of, score_experience
from mlff_cli.system.logs import logging_to


def run(config: Mapping[str, Any]) -> int:
    """Say "verified" and return 0, or say what differs and return 1."""
    folder = RunFolder(Path(config["run"]).expanduser())
    own = config_of_run(folder, config)
    # Nothing that was computed before takes part: images are hashed and seen anew.
    with logging_to(None), TemporaryDirectory(prefix="mlff-verify-") as fresh:
        own["paths"] = {**own["paths"], "features": fresh}
        differences = list(_differences(folder, own, config["tolerance"]))
    for difference in differences:
        print(f"differs: {difference}")
    if differences:
        print(f"{folder.path}: not verified")
        return 1
    print(f"{folder.path}: verified")
    return 0


def _differences(folder: RunFolder, config: Mapping[str, Any], tolerance: float) -> Iterator[str]:
    try:
        yield from _changed_files(folder)
        task = build_task(config)
        yield from _changed_images(folder, task)
        yield from _other_scores(folder, config, task, tolerance)
    except UserError as error:
        yield str(error)


def _changed_files(folder: RunFolder) -> Iterator[str]:
    """Yield what no longer has the hash, or the figures, that it had when the run finished."""
    recorded, now = folder.read_json("env.json").get("digests"), folder.digests()
    if not isinstance(recorded, dict):
        raise UserError(f"{folder.path / 'env.json'}: holds no hashes; it was changed by hand")
    for name, digest in now.items():
        if recorded.get(name) != digest:
            yield f"{folder.path / name}: is not what the run wrote (its hash is another)"
    if folder.read_json("summary.json") != json.loads(json.dumps(figures(folder))):
        yield f"{folder.path / 'summary.json'}: its figures are not those of matrix.csv"


def _changed_images(folder: RunFolder, task: Task) -> Iterator[str]:
    """Yield how records, splits and contents differ from splits.csv."""
    contents = identities([record.image for record in task.records], None)
    there = _by_name(folder.splits_text(task.records, task.splits, contents))
    before = _by_name(folder.read_text("splits.csv") or "")
    for what, names in {
        "are gone": [name for name in before if name not in there],
        "are new": [name for name in there if name not in before],
        "have another content, label or split": [
            name for name in before if name in there and before[name] != there[name]
        ],
    }.items():
        if names:
            shown = ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
            yield f"splits.csv: {len(names)} images {what}: {shown}"


def _by_name(splits: str) -> dict[str, list[str]]:
    import csv
    import io

    return {row[0]: row[1:] for row in csv.reader(io.StringIO(splits, newline="")) if row}


def _other_scores(
    folder: RunFolder, config: Mapping[str, Any], task: Task, tolerance: float
) -> Iterator[str]:
    """Yield the scores of the final model that are not those in matrix.csv."""
    method = build_method(config)
    restore(method, folder)
    saved = saved_scores(folder, task)
    device = folder.read_json("env.json").get("device")
    split, head = config["splits"]["scored"], head_class(config)
    for experience in task.experiences:
        if not is_readable(method, experience):
            continue
        scored = score_experience(method, experience, split, head)
        for metric, value in metrics_of(scored, head).items():
            before = saved[experience.name].get(metric, float("nan"))
            if not math.isclose(value, before, rel_tol=0, abs_tol=tolerance) and not (
                math.isnan(value) and math.isnan(before)
            ):
                yield (
                    f"matrix.csv: {metric} of '{experience.name}' is {before:.9g} there and "
                    f"{value:.9g} now (made on {device}, scored again on {method.context.device})"
                )
