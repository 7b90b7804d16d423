"""Carries a run out: from its images to DONE."""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

from mlff_cli.audit.contact_sheet import Sheet, write_sheet
from mlff_cli.audit.leaks import find_leaks
from mlff_cli.audit.levels import LevelChoice
from mlff_cli.audit.verdict import LeakCheck, sentence, verdict
from mlff_cli.backbones.engines import AUTO, GRAPHS, TORCH
from mlff_cli.config.levels import with_chosen
from mlff_cli.config.overrides import command_line
from mlff_cli.methods.base import Method
from mlff_cli.results.painter import Painter
from mlff_cli.results.pictures import draw
from mlff_cli.results.tables import RunFacts
from mlff_cli.runs.adapters_file import save_adapters
from mlff_cli.runs.building import build_method, build_scorer
from mlff_cli.runs.calibrating import calibrated
from mlff_cli.runs.checkpoints import Checkpoints
from mlff_cli.runs.engine import why_no_graph, with_engine
from mlff_cli.runs.final_scores import (
    ALL_TOGETHER,
    answers_of,
    check_good,
    final_scores,
    good_names,
    limit,
)
from mlff_cli.runs.folder import ENVIRONMENT, LOG, MATRIX, PREDICTIONS, SHEET, SPLITS, RunFolder
from mlff_cli.runs.identity import backbone_name
from mlff_cli.runs.levels import level_choice, refuse_levels
from mlff_cli.runs.lineage import keep_lineage
from mlff_cli.runs.listing import Listing
from mlff_cli.runs.loop import Outcome, learn_sequence
from mlff_cli.runs.page import keep_worst_images, write_page
from mlff_cli.runs.parent import Parent, kept_from, parent_of, refuse_relearning, task_behind
from mlff_cli.runs.prediction_log import PredictionLog
from mlff_cli.runs.record import RunRecord
from mlff_cli.runs.report import pictures_of, write_texts
from mlff_cli.runs.similarity import similarity_of
from mlff_cli.runs.splits_file import split_rows, written
from mlff_cli.runs.thresholds import chosen_points
from mlff_cli.runs.tracking import findings_of, tracker_of
from mlff_cli.runs.worst_images import worst_images
from mlff_cli.system.environment import environment
from mlff_cli.system.logs import logging_to
from mlff_cli.tasks.absent import at_hand
from mlff_cli.tasks.experience import SplitName
from mlff_cli.tasks.task import Task
from mlff_cli.trackers.following import Following

log = logging.getLogger(__name__)


def execute(
    config: Mapping[str, Any], listing: Listing, folder: RunFolder, painter: Painter
) -> None:
    """Learn the sequence, resuming where a run broke off, and write what it leaves behind."""
    with logging_to(None):
        # Whatever these refuse leaves no folder behind.
        if (asked := config["backbone"].get("engine")) is not None:
            config = with_engine(config)
        parent = parent_of(config)
        task, listing = task_behind(parent, config, listing)
        method = build_method(config, listing)
        refuse_levels(config, method, parent)
        if parent:
            refuse_relearning(method, task.experiences, parent.learned)
        scorer = build_scorer(config, config["splits"]["scored"])
        check_good(config["data"], task.experiences)
        limit(config["operating_point"])
        following = Following(tracker_of(config), folder.path, config)
    with folder.lock.held(), logging_to(folder.path / LOG), folder.noting_failure(), following:
        if folder.finished:
            return  # by another process, while this one was waiting or building
        folder.write_config(config)
        if parent:
            keep_lineage(parent.folder, parent.config, folder)
        checkpoints = Checkpoints(folder.state)
        _begin(folder, task, listing, checkpoints)
        painter.begin(partial(write_sheet, Sheet.of(task.records), folder.path / SHEET))
        levels = level_choice(config, task, method, state=folder.state, parent=parent)
        if levels:
            config = with_chosen(config, levels.levels)
            folder.write_config(config)
            method = build_method(config, listing)
        log.info("%s on %s", config["method"]["name"], method.context.device)
        _say_engine(asked, config)
        _say_what_is_absent(task, method, scorer.split)
        predictions = PredictionLog(
            folder.path / PREDICTIONS,
            task.experiences,
            scorer.kind,
            listing.content_of,
            before=parent.predictions(scorer.split) if parent else (),
        )
        outcome = learn_sequence(
            method,
            task.experiences,
            scorer=scorer,
            checkpoints=checkpoints,
            predictions=predictions,
            checkpoint_every=config["trainer"]["checkpoint_every"],
            begun=parent.progress(task.experiences) if parent else None,
            follow=following.scores,
        )
        _finish(
            folder,
            config,
            listing=listing,
            task=task,
            method=method,
            outcome=outcome,
            predictions=predictions,
            painter=painter,
            parent=parent,
            levels=levels,
        )
        checkpoints.clear()
        following.finish(lambda: findings_of(folder), outcome.matrix.learned)


def _begin(folder: RunFolder, task: Task, listing: Listing, checkpoints: Checkpoints) -> None:
    """Write which image goes where, and say what there is."""
    splits = written(split_rows(task.records, task.splits, listing.contents))
    before = folder.read_text(SPLITS)
    if before is not None and before != splits and folder.state.is_dir():
        log.info("this version of the program splits the images otherwise: the run starts over")
        checkpoints.clear()
    folder.write_text(SPLITS, splits)
    for name, problem in task.skipped:
        log.info("skipped %s: %s", name, problem)
    if listing.bits:
        log.info("16-bit images are scaled from %d bits", listing.bits)
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


def _finish(
    folder: RunFolder,
    config: Mapping[str, Any],
    *,
    listing: Listing,
    task: Task,
    method: Method,
    outcome: Outcome,
    predictions: PredictionLog,
    painter: Painter,
    parent: Parent | None,
    levels: LevelChoice | None,
) -> None:
    """Write results and adapters; DONE comes last."""
    outcome.matrix.to_csv(folder.path / MATRIX)
    level_weights = method.level_weights()
    # Begun first: drawn beside it, they take as long as all that follows.
    painter.begin(partial(draw, pictures_of(folder, folder.path, config, level_weights)))
    scored: SplitName = config["splits"]["scored"]
    features = method.context.features
    before = features.seconds
    parts = {name: method.part(name) for name in method.heads}
    kept = kept_from(parent, parts, task.experiences)
    good = tuple(dict.fromkeys([*good_names(config["data"]), *(parent.good if parent else ())]))
    points = chosen_points(
        config,
        task.experiences,
        method,
        outcome.matrix.learned,
        predictions,
        good_classes=good,
        kept=kept.points,
    )
    calibration = calibrated(config, task.experiences, method, kept=kept.calibration)
    outcome.extraction_seconds += features.seconds - before
    outcome.extraction_seconds += levels.extraction_seconds if levels else 0.0
    save_adapters(
        folder.adapters,
        method.state(),
        fingerprint=method.context.recipe.fingerprint,
        calibration=calibration,
        parts=parts,
    )
    folder.write_json(ENVIRONMENT, environment())
    record = RunRecord(
        facts=_facts(config, task, method, outcome),
        steps=tuple(outcome.steps),
        data=listing.digest,
        digests=folder.digests(),
        device=str(method.context.device),
        command=command_line(),
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
        leaks=_leaks(method, task, scored),
        skipped=tuple(task.skipped),
        level_weights=level_weights,
        kind=predictions.kind,
        answers=answers_of(task.experiences, scored, predictions.kind),
        points=points,
        parent=parent.folder.digest if parent else None,
        good=good,
        bits=listing.bits if parent is None else listing.bits or parent.record.bits,
        levels=levels,
        similarity=similarity_of(calibration),
    )
    final = final_scores(folder, config, record, outcome.matrix)
    write_texts(folder.path, config, record, outcome.matrix, final)
    worst = worst_images(
        method, [part for part in final.scored if part.experience != ALL_TOGETHER], task.experiences
    )
    keep_worst_images(folder.path, worst)
    write_page(folder, folder.path, config, record=record, matrix=outcome.matrix, final=final)
    painter.finish()
    folder.finish(record)


def _facts(config: Mapping[str, Any], task: Task, method: Method, outcome: Outcome) -> RunFacts:
    return RunFacts(
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
        experiences=tuple(e.name for e in task.experiences if e.learned),
        added_parameters=outcome.steps[-1].added_parameters if len(outcome.steps) > 1 else None,
    )


def _say_engine(asked: str | None, config: Mapping[str, Any]) -> None:
    """Say what computes features, and why where it is not what was asked for."""
    engine = config["backbone"].get("engine")
    if engine == TORCH and asked in (AUTO, *GRAPHS) and (reason := why_no_graph(config)):
        log.info("features are computed by torch: %s", reason)
    elif engine is not None:
        log.info("backbone.engine=%s", engine)


def _say_what_is_absent(task: Task, method: Method, scored: SplitName) -> None:
    """Say which experiences cannot be scored again."""
    absent = [
        e.name for e in task.experiences if not method.can_read([r.image for r in e.split(scored)])
    ]
    if absent:
        log.info(
            "neither images nor features of %s are at hand any more: scores from here on are blank",
            ", ".join(f"'{name}'" for name in absent),
        )


def _leaks(method: Method, task: Task, scored: SplitName) -> LeakCheck | None:
    """Return the verdict on the split where the features that it takes are there anyway."""
    if not method.reads_features:
        return None
    leaks = find_leaks(method.context.features, list(map(at_hand, task.experiences)), scored)
    found = verdict(leaks.scored, leaks.copied, scored)
    log.info("%s", sentence(found))
    return found
