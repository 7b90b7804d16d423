"""``mlff train``: one task, one method, one seed, to the end."""

import logging
import math
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mlff_cli.audit.contact_sheet import contact_sheet
from mlff_cli.audit.leaks import find_leaks
from mlff_cli.audit.verdict import sentence, verdict
from mlff_cli.config.overrides import command_line
from mlff_cli.features.identities import identities, memo_of
from mlff_cli.methods.base import Method
from mlff_cli.results.columns import Row
from mlff_cli.results.painter import Painter
from mlff_cli.results.tables import RunFacts
from mlff_cli.results.terminal import show
from mlff_cli.runs.adapters_file import save_adapters
from mlff_cli.runs.building import Task, build_method, build_task, head_class
from mlff_cli.runs.checkpoints import Checkpoints
from mlff_cli.runs.folder import RunFolder, backbone_name, run_path
from mlff_cli.runs.loop import Outcome, learn_sequence
from mlff_cli.runs.report import pictures_of, write_report, write_texts
from mlff_cli.system.environment import environment
from mlff_cli.system.logs import logging_to
from mlff_cli.tasks.experience import SplitName

log = logging.getLogger(__name__)

painter = Painter()
"""One for all runs of this process."""


def run(config: Mapping[str, Any]) -> int:
    """Train, or take up, or report what is finished; return the exit code."""
    row, folder = train(config)
    show([row], str(config["task"]["title"]), folder.path)
    return 0


def train(config: Mapping[str, Any]) -> tuple[Row, RunFolder]:
    """Bring the run of this config to its end and return its row and folder."""
    folder = RunFolder(run_path(config))
    if not folder.finished:
        painter.warm_up()
    with logging_to(None):
        # Whatever these refuse leaves no folder behind.
        task = build_task(config)
        method = None if folder.finished else build_method(config)
    with folder.locked(), logging_to(folder.path / "log.txt"):
        folder.write_config(config)
        splits = _splits_text(folder, task, config, method)
        if folder.finished or method is None:
            Checkpoints(folder.state).clear()  # left by a kill right behind the end
            _say_finished(folder, splits)
            return write_report(folder), folder
        _begin(folder, task, splits)
        log.info("%s on %s", config["method"]["name"], method.context.device)
        checkpoints = Checkpoints(folder.state)
        outcome = learn_sequence(
            method,
            task.experiences,
            head=head_class(config),
            scored=config["splits"]["scored"],
            seed=config["seed"],
            checkpoints=checkpoints,
            checkpoint_every=config["trainer"]["checkpoint_every"],
        )
        row = _finish(folder, config, task, method, outcome)
        checkpoints.clear()
        return row, folder


def _splits_text(
    folder: RunFolder, task: Task, config: Mapping[str, Any], method: Method | None
) -> str:
    images = [record.image for record in task.records]
    if method is not None:
        contents = method.context.features.identities(images)
    else:
        store = config["paths"]["features"] if config["features"]["store"] else None
        contents = identities(images, memo_of(Path(store).expanduser() if store else None))
    return folder.splits_text(task.records, task.splits, contents)


def _begin(folder: RunFolder, task: Task, splits: str) -> None:
    """Write what is known before training; refuse state that other images have left."""
    before = folder.read_text("splits.csv")
    if before is not None and before != splits and folder.state.is_dir():
        log.info("the images changed since this run broke off: it starts over")
        Checkpoints(folder.state).clear()
    folder.write_text("splits.csv", splits)
    for name, problem in task.skipped:
        log.info("skipped %s: %s", name, problem)
    counts = {
        name: sum(split == name for split in task.splits.values())
        for name in ("train", "validation", "test")
    }
    log.info(
        "%d images (%s), %d experiences: %s",
        len(task.records),
        ", ".join(f"{count} {name}" for name, count in counts.items()),
        len(task.experiences),
        ", ".join(experience.name for experience in task.experiences[:10]),
    )


def _say_finished(folder: RunFolder, splits: str) -> None:
    log.info("finished before, not repeated: %s", folder.path)
    made = folder.read_json("env.json")
    now = environment()
    for key in ("mlff", "commit"):
        if made.get(key) != now[key]:
            log.info("note: made with %s %s, this is %s", key, made.get(key), now[key])
    if folder.read_text("splits.csv") != splits:
        log.info("note: the images changed since; move the folder away to train on them")


def _leak_check(method: Method, task: Task, scored: SplitName) -> dict[str, Any] | None:
    """Return the verdict on the split where the features that it takes are there anyway."""
    if not method.reads_features:
        return None
    leaks = find_leaks(method.context.features, task.experiences, scored)
    found = verdict(leaks.scored, leaks.copied, scored)
    log.info("%s", sentence(found))
    return found


def _finish(
    folder: RunFolder, config: Mapping[str, Any], task: Task, method: Method, outcome: Outcome
) -> Row:
    """Write results and adapters; DONE comes last."""
    learned = [experience for experience in task.experiences if experience.learned]
    facts = RunFacts(
        scenario=config["task"]["name"],
        method=config["method"]["name"],
        backbone=backbone_name(config),
        fusion=config["fusion"]["name"],
        seed=config["seed"],
        trainable_parameters=method.trainable_parameters(),
        full_parameters=method.full_parameters(),
        training_seconds=tuple(outcome.training_seconds),
        extraction_seconds=outcome.extraction_seconds,
        peak_memory_mib=outcome.peak_memory_mib,
        experiences=tuple(experience.name for experience in learned),
    )
    outcome.matrix.to_csv(folder.path / "matrix.csv")
    level_weights = method.level_weights()
    painter.begin(pictures_of(folder, config, level_weights))
    save_adapters(folder.adapters, method.state(), fingerprint=method.context.recipe.fingerprint)
    folder.write_json(
        "env.json",
        {
            **environment(),
            "device": str(method.context.device),
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            "command": command_line(),
            "digests": folder.digests(),
            "images_extracted": method.context.features.extracted,
            "steps": outcome.steps,
            "skipped_images": [list(item) for item in task.skipped],
            "leak_check": _leak_check(method, task, config["splits"]["scored"]),
            "level_weights": level_weights,
            "facts": {
                key: None if isinstance(value, float) and math.isnan(value) else value
                for key, value in asdict(facts).items()
            },
        },
    )
    contact_sheet(task.records).save(folder.path / "images.png")
    row = write_texts(folder)
    painter.finish()
    folder.write_text("DONE", "")
    return row
