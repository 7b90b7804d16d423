"""A run without one of its products: a run of its own, beside the one that it was made of."""

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import yaml

from mlff_cli.config.overrides import command_line
from mlff_cli.config.saved import read_config
from mlff_cli.errors import UserError, nearest
from mlff_cli.methods.base import Method, State
from mlff_cli.results import predictions_file
from mlff_cli.results.labels import plain
from mlff_cli.results.matrix import ScoreMatrix
from mlff_cli.runs.adapters_file import load_calibration, save_adapters
from mlff_cli.runs.building import build_method
from mlff_cli.runs.calibration import Calibration
from mlff_cli.runs.folder import ENVIRONMENT, MATRIX, PARENT, PREDICTIONS, SHEET, SPLITS, RunFolder
from mlff_cli.runs.identity import DIGITS
from mlff_cli.runs.lineage import PARENT_CONFIG
from mlff_cli.runs.page import keep_worst_images, worst_images
from mlff_cli.runs.record import RunRecord
from mlff_cli.runs.reopen import OpenRun, without_names
from mlff_cli.runs.report import write_report
from mlff_cli.runs.splits_file import read_rows, written
from mlff_cli.system.environment import environment
from mlff_cli.system.files import write_atomically

NO_LIMIT = {"max_escape": None, "max_overkill": None}


def removed(opened: OpenRun, product: str | None) -> RunFolder:
    """Make a run without a product; return its folder. The run that it is made of stays.

    Raises:
        UserError: There is no such product, it is the only one, or it shares its head.
    """
    heads, names = opened.method.heads, opened.record.facts.experiences
    if product not in names:
        raise UserError(f"product={product}: {nearest(product or '', names)}")
    if product not in heads:
        raise UserError(
            f"product={product}: all {len(names)} experiences of this run share one head, and what "
            "one of them taught it cannot be taken out; train again without its images"
        )
    if len(heads) == 1:
        raise UserError(f"product={product}: is the only one of this run; remove its folder")
    facts = f"{opened.folder.digest}\n without {product}"
    digest = hashlib.sha256(facts.encode()).hexdigest()[:DIGITS]
    method = opened.config["method"]["name"]
    folder = RunFolder(opened.folder.path.parent / f"{method}-{digest}")
    with folder.lock.held():
        if not folder.finished:
            _write(opened, product, folder)
    return folder


def _write(opened: OpenRun, product: str, folder: RunFolder) -> None:
    """Write the files of the run without the product; DONE comes last."""
    source, path = opened.folder, folder.path
    folder.write_config(source.config())
    for file in (source.path / SPLITS, *source.path.glob(f"{PARENT}/**/{SPLITS}")):
        _write_splits(file, path / file.relative_to(source.path), opened, product)
    for file in source.path.glob(f"{PARENT}/**/{PARENT_CONFIG}"):
        config = without_names(read_config(file.parent, PARENT_CONFIG), [product])
        text = yaml.safe_dump(config, sort_keys=False, allow_unicode=True)
        write_atomically(path / file.relative_to(source.path), text)
    before = source.matrix()
    gone = before.experiences.index(plain(product)) + 1
    matrix = _without(before, gone)
    matrix.to_csv(path / MATRIX)
    _write_predictions(opened, path / PREDICTIONS, product, gone)
    method = _method_without(opened, product)
    state = method.state()
    kept = {
        key: tensor for key, tensor in opened.state.kept.items() if json.loads(key)[0] != product
    }
    known = load_calibration(source.adapters)
    save_adapters(
        folder.adapters,
        State(state.heads, state.tensors, kept),
        fingerprint=method.context.recipe.fingerprint,
        calibration=Calibration(
            {name: own for name, own in known.heads.items() if name != product},
            {name: own for name, own in known.experiences.items() if name != product},
        ),
        parts={name: method.part(name) for name in method.heads},
    )
    folder.write_json(ENVIRONMENT, environment())
    shutil.copy(source.path / SHEET, path)
    worst = [w for w in worst_images(source.path) if w.experience != plain(product)]
    keep_worst_images(path, worst)
    record = _record(opened, product, gone, method, folder)
    folder.write_record(record)  # which the texts are made of
    write_report(folder, path, NO_LIMIT)
    folder.finish(record)


def _write_splits(file: Path, target: Path, opened: OpenRun, product: str) -> None:
    """Write the rows of a splits.csv that are not the product's."""
    line = opened.config["schedule"]["line"]
    rows = [row for row in read_rows(file) if getattr(row, line) != product]
    write_atomically(target, written(rows))


def _without(matrix: ScoreMatrix, gone: int) -> ScoreMatrix:
    """Return a score matrix without the row and the column of an experience."""
    names = [name for place, name in enumerate(matrix.experiences, start=1) if place != gone]
    found = ScoreMatrix(names, matrix.learned - 1)
    for trained, scored, metric, score in matrix.scored():
        if gone not in (trained, scored):
            found.add(
                trained - (trained > gone),
                scored - (scored > gone),
                metric,
                value=score.value,
                n=score.n,
            )
    return found


def _write_predictions(opened: OpenRun, target: Path, product: str, gone: int) -> None:
    """Write what was said of the images of all other products."""
    kind = opened.record.kind
    parts = predictions_file.read(opened.folder.path / PREDICTIONS, kind) if kind else []
    kept = [
        replace(part, trained=part.trained - (part.trained > gone))
        for part in parts
        if part.experience != plain(product) and part.trained != gone
    ]
    outputs = tuple(dict.fromkeys(output for part in kept for output in part.outputs))
    lines = "".join(predictions_file.lines(part, outputs) for part in kept)
    write_atomically(target, predictions_file.header(outputs) + lines)


def _method_without(opened: OpenRun, product: str) -> Method:
    """Return the method with all heads but one, and the fusion layers that they read."""
    old, new = opened.method, build_method(opened.config)
    for name, outputs in old.heads.items():
        if name != product:
            new.adapters.provide(name, outputs)
            new.adapters[name].load_state_dict(old.adapters[name].state_dict())
            new.adapters.fusion_of(name).load_state_dict(old.adapters.fusion_of(name).state_dict())
    further = new.trained()
    for name, module in old.trained().items():
        if module is not old.adapters:
            further[name].load_state_dict(module.state_dict())
    return new


def _record(
    opened: OpenRun, product: str, gone: int, method: Method, folder: RunFolder
) -> RunRecord:
    """Return the record of the run without the product."""
    record, facts = opened.record, opened.record.facts
    names = tuple(name for name in facts.experiences if name != product)
    seconds: Sequence[float] = facts.training_seconds
    if len(seconds) == len(facts.experiences):
        seconds = [*seconds[: gone - 1], *seconds[gone:]]
    return replace(
        record,
        facts=replace(
            facts,
            experiences=names,
            training_seconds=tuple(seconds),
            trainable_parameters=method.trainable_parameters(),
            full_parameters=method.full_parameters(),
        ),
        steps=tuple(step for step in record.steps if step.experience != product),
        digests=folder.digests(),
        command=command_line(),
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
        level_weights=method.level_weights(),
        answers={name: own for name, own in record.answers.items() if name != plain(product)},
        points=tuple(p for p in record.points if p.experience != plain(product)),
        parent=opened.folder.digest,
        similarity=record.similarity.without(product) if record.similarity else None,
        removed=(*record.removed, product),
    )
