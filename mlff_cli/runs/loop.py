"""The one loop over experiences: learn, score all seen so far, keep the state."""

import logging
import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from mlff_cli.errors import UserError
from mlff_cli.methods.base import Method
from mlff_cli.methods.training import DivergedError
from mlff_cli.metrics.registry import computed
from mlff_cli.results.matrix import ScoreMatrix
from mlff_cli.runs.checkpoints import Checkpoints, EpochJournal, Progress
from mlff_cli.system.environment import peak_memory_mib, program, reset_peak_memory
from mlff_cli.tasks.experience import Experience, SplitName

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Cost:
    """What one step took: seconds for features, training and all scores; images it extracted."""

    experience: str
    extraction_seconds: float
    training_seconds: float
    scoring_seconds: float
    images_extracted: int
    peak_memory_mib: float


@dataclass
class Outcome:
    """What a run gave: scores, and what they cost in all and step by step."""

    matrix: ScoreMatrix
    training_seconds: list[float]
    extraction_seconds: float
    peak_memory_mib: float
    steps: list[dict[str, Any]] = field(default_factory=list)


def learn_sequence(
    method: Method,
    experiences: Sequence[Experience],
    *,
    scored: SplitName,
    checkpoints: Checkpoints,
    checkpoint_every: int = 0,
) -> Outcome:
    """Learn the experiences in order; after each, score every one that a head can read.

    A run that broke off goes on behind the last state that was kept and gives the same scores.

    Raises:
        UserError: The loss of an experience became NaN or infinite, and the last good state stays;
            or that state does not fit this program any more.
    """
    learned = [experience for experience in experiences if experience.learned]
    matrix = ScoreMatrix([e.name for e in experiences], len(learned))
    outcome = Outcome(matrix, [], 0.0, 0.0)
    features = method.context.features
    journal = EpochJournal(checkpoints, checkpoint_every)
    method.context.journal = journal
    finished = _take_up(method, learned, checkpoints, outcome)
    spent_before = outcome.extraction_seconds
    steps = [learned] if method.all_at_once else [[experience] for experience in learned]
    for step in steps:
        last = step[-1].index
        if last <= finished:
            continue
        journal.experience = last
        reset_peak_memory()
        seen_before, extracting = features.extracted, features.seconds
        for experience in step:
            # Those for validation too: another seed, which splits otherwise, finds all stored.
            method.prepare([*experience.train, *experience.validation, *experience.test])
            method.begin(experience)
        if last == 1 and step[0].head != step[0].name:
            _score(method, experiences, matrix, scored=scored, trained=0)
        outcome.training_seconds.append(_learn(method, step))
        scoring, extracting_before = time.perf_counter(), features.seconds
        scores = _score(method, experiences, matrix, scored=scored, trained=last)
        scoring_seconds = time.perf_counter() - scoring - (features.seconds - extracting_before)
        log.info("%s", _said(step, len(learned), outcome.training_seconds[-1], scores))
        outcome.extraction_seconds = spent_before + features.seconds
        cost = Cost(
            "+".join(experience.name for experience in step),
            features.seconds - extracting,
            outcome.training_seconds[-1],
            scoring_seconds,
            features.extracted - seen_before,
            peak_memory_mib(),
        )
        outcome.peak_memory_mib = max(outcome.peak_memory_mib, cost.peak_memory_mib)
        outcome.steps.append(asdict(cost))
        checkpoints.save(
            Progress(
                last,
                [list(row) for row in _rows(matrix)],
                outcome.training_seconds,
                outcome.extraction_seconds,
                outcome.peak_memory_mib,
                method.state(),
                outcome.steps,
                program(),
            )
        )
    return outcome


def _take_up(
    method: Method, learned: Sequence[Experience], checkpoints: Checkpoints, outcome: Outcome
) -> int:
    """Load the last state and return the number of experiences that are behind it."""
    progress = checkpoints.load()
    if progress is None:
        return 0
    if progress.made_with != program():
        log.info("note: begun with mlff %s, this is %s", progress.made_with, program())
    for experience in learned[: progress.finished]:
        method.begin(experience)
    try:
        method.load(progress.state)
    except RuntimeError as error:
        raise UserError(
            f"{checkpoints.file}: does not fit this program ({error}); remove the folder "
            f"{checkpoints.folder} to start the run over"
        ) from error
    for trained, scored, metric, value, n in progress.scores:
        number = float("nan") if value is None else value
        outcome.matrix.add(trained, scored, metric, value=number, n=n)
    outcome.training_seconds = list(progress.training_seconds)
    outcome.extraction_seconds = progress.extraction_seconds
    outcome.peak_memory_mib = progress.peak_memory_mib
    outcome.steps = list(progress.steps)
    log.info("taken up behind experience %d of %d", progress.finished, len(learned))
    return progress.finished


def _learn(method: Method, step: Sequence[Experience]) -> float:
    """Learn one step and return its seconds, without the extraction of features."""
    features = method.context.features
    extracting, started = features.seconds, time.perf_counter()
    try:
        if method.all_at_once:
            method.learn_all(list(step))
        else:
            method.learn(step[0])
    except DivergedError as error:
        names = ", ".join(f"{experience.index} '{experience.name}'" for experience in step)
        raise UserError(
            f"experience {names}: {error}; the state before it is kept. Lower "
            "method.learning_rate, or look for bad values in the data"
        ) from error
    return time.perf_counter() - started - (features.seconds - extracting)


def _score(
    method: Method,
    experiences: Sequence[Experience],
    matrix: ScoreMatrix,
    *,
    scored: SplitName,
    trained: int,
) -> dict[str, dict[str, float]]:
    """Add a row to the matrix: every experience whose outputs the heads have by now."""
    row: dict[str, dict[str, float]] = {}
    for experience in experiences:
        if not method.reads(experience):
            continue
        row[experience.name] = values = experience_scores(method, experience, scored)
        for metric, value in values.items():
            n = len(experience.split(scored))
            matrix.add(trained, experience.index, metric, value=value, n=n)
    return row


def experience_scores(
    method: Method, experience: Experience, scored: SplitName
) -> dict[str, float]:
    """Return every metric of one experience on a split; none where it has no images there."""
    records = experience.split(scored)
    if not records:
        return {}
    head = method.adapters[experience.head]
    targets = head.targets(records, experience.outputs).numpy()
    scores = method.scores(experience, records)
    return computed(head.metrics, scores, targets, experience.outputs)


def _rows(matrix: ScoreMatrix) -> list[tuple[int, int, str, float | None, int | None]]:
    return [
        (trained, scored, metric, None if math.isnan(value) else value, n)
        for trained, scored, metric, (value, n) in matrix.scored()
    ]


def _said(
    step: Sequence[Experience], total: int, seconds: float, scores: dict[str, dict[str, float]]
) -> str:
    """Return one line about what was just learned."""
    own = scores.get(step[-1].name, {})
    values = ", ".join(f"{name} {value:.3f}" for name, value in list(own.items())[:2])
    name = step[-1].name if len(step) == 1 else f"{len(step)} experiences at once"
    return f"{step[-1].index}/{total} {name}: learned in {seconds:.1f} s, {values}"
