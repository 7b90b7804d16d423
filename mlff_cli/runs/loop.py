"""The one loop over experiences: learn, score all seen so far, keep the state."""

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

from mlff_cli.errors import UserError
from mlff_cli.methods.base import Journal, Method, State
from mlff_cli.methods.epochs import DivergedError
from mlff_cli.results.matrix import TOGETHER, ScoreMatrix
from mlff_cli.runs.checkpoints import Checkpoints, EpochJournal, Progress
from mlff_cli.runs.prediction_log import PredictionLog
from mlff_cli.runs.record import Cost
from mlff_cli.runs.scoring import LatestScores, Scored, Scorer, head_grows
from mlff_cli.system.environment import peak_memory_mib, program, reset_peak_memory
from mlff_cli.tasks.experience import Experience, Step

log = logging.getLogger(__name__)

Scores = Mapping[str, Mapping[str, float]]
"""Every metric of the experiences that were scored, by the name of the experience."""


@dataclass
class Outcome:
    """What a run gave: scores, and what they cost in all and step by step."""

    matrix: ScoreMatrix
    training_seconds: list[float]
    extraction_seconds: float
    peak_memory_mib: float
    steps: list[Cost] = field(default_factory=list)

    def add(self, cost: Cost) -> None:
        """Count what one more step took."""
        self.training_seconds.append(cost.training_seconds)
        self.extraction_seconds += cost.extraction_seconds
        self.peak_memory_mib = max(self.peak_memory_mib, cost.peak_memory_mib)
        self.steps.append(cost)


def learn_sequence(
    method: Method,
    experiences: Sequence[Experience],
    *,
    scorer: Scorer,
    checkpoints: Checkpoints,
    predictions: PredictionLog,
    checkpoint_every: int = 0,
    begun: Progress | None = None,
    follow: Callable[[ScoreMatrix], None] | None = None,
) -> Outcome:
    """Learn the experiences in order; after each step, score every one that a head can read.

    A run that broke off goes on after the last state that was kept and gives the same scores.

    Args:
        method: Learns.
        experiences: Of a task, those that are only scored at the end.
        scorer: Scores what can be read after each step.
        checkpoints: Where the state is kept.
        predictions: Where everything that was scored is noted, image by image.
        checkpoint_every: Epochs between states within a step; 0: none.
        begun: What another run had learned, that this one goes on from.
        follow: Is told the scores so far, at the beginning and whenever the state was kept.

    Raises:
        UserError: The loss of an experience became NaN or infinite, and the last good state stays;
            or that state does not fit this program any more.
    """
    learned = [experience for experience in experiences if experience.learned]
    outcome = Outcome(ScoreMatrix([e.name for e in experiences], len(learned)), [], 0.0, 0.0)
    begun_with = begun.finished if begun else -1  # not even the untrained model counts
    progress = _kept(checkpoints, predictions, scorer, begun_with) or begun
    finished = _resume(method, progress, checkpoints, outcome)
    if progress is not None:
        how = "goes on" if progress is begun else "resumed"
        log.info("%s after experience %d of %d", how, finished, len(learned))
    tell = follow or (lambda matrix: None)
    tell(outcome.matrix)
    latest = LatestScores(scorer)
    score = partial(_score, method, experiences, outcome.matrix, latest, predictions)
    for step in method.steps(learned):
        if step.index <= finished:
            continue
        journal = EpochJournal(checkpoints, checkpoint_every, step.index)
        cost, scores = _carry_out(method, step, journal, score)
        outcome.add(cost)
        log.info("%s", _said(step, len(learned), cost.training_seconds, scores))
        changed = method.changed_state(step) if checkpoints.take_changes else None
        checkpoints.save(_progress(step.index, changed or method.state(), outcome))
        tell(outcome.matrix)
    latest.refuse_changed(method)
    return outcome


def _carry_out(
    method: Method, step: Step, journal: Journal, score: Callable[..., Scores]
) -> tuple[Cost, Scores]:
    """Learn one step and score what is readable; return what it cost, and the scores."""
    reset_peak_memory()
    features = method.context.features
    seen, extracting = features.extracted, features.seconds
    heads = [experience.head for experience in step.experiences]
    before = method.adapters.trainable_parameters(heads)
    method.begin(step)
    added = method.adapters.trainable_parameters(heads) - before
    if step.index == 1 and any(e.head != e.name for e in step.experiences):
        score(step=None)  # a shared head answers before it has learned anything
    training_seconds, _ = _timed(method, partial(_learn, method, step, journal))
    scoring_seconds, scores = _timed(method, partial(score, step=step))
    cost = Cost(
        step.name,
        features.seconds - extracting,
        training_seconds,
        scoring_seconds,
        features.extracted - seen,
        peak_memory_mib(),
        added,
    )
    return cost, scores


def _timed(method: Method, work: Callable[[], Any]) -> tuple[float, Any]:
    """Do the work; return its seconds, without the extraction of features, and its result."""
    features = method.context.features
    extracting, started = features.seconds, time.perf_counter()
    result = work()
    return time.perf_counter() - started - (features.seconds - extracting), result


def _learn(method: Method, step: Step, journal: Journal) -> None:
    try:
        method.learn(step, journal)
    except DivergedError as error:
        names = ", ".join(
            f"{experience.index} '{experience.name}'" for experience in step.experiences
        )
        raise UserError(
            f"experience {names}: {error}; the state before it is kept. Lower "
            "method.learning_rate, or look for bad values in the data"
        ) from error


def _score(
    method: Method,
    experiences: Sequence[Experience],
    matrix: ScoreMatrix,
    latest: LatestScores,
    predictions: PredictionLog,
    *,
    step: Step | None,
) -> Scores:
    """Add a row to the matrix: every experience whose outputs the heads have by now.

    It is that of what was learned just now; of None, that of the untrained model.

    Those whose images are not at hand stay blank. Where classes arrive in turn, those learned so
    far are scored together as well, if all of them are there.
    """
    scorer, trained = latest.scorer, step.index if step else 0
    row = [(e, scored) for e in experiences if (scored := latest(method, e, step)) is not None]
    predictions.add(trained, scorer.split, row)
    for experience, scored in row:
        _note(matrix, trained, experience.index, scored)
    learned = [scored for experience, scored in row if experience.learned]
    if len(learned) == trained > 0 and head_grows(experiences):
        _note(matrix, trained, TOGETHER, scorer.together(learned))
    return {experience.name: scored.values for experience, scored in row}


def _note(matrix: ScoreMatrix, trained: int, place: int, scored: Scored) -> None:
    for metric, value in scored.values.items():
        matrix.add(trained, place, metric, value=value, n=len(scored.scores))


def _kept(
    checkpoints: Checkpoints, predictions: PredictionLog, scorer: Scorer, begun_with: int
) -> Progress | None:
    """Return the last state that all predictions are there for; None where there is none.

    Those up to the experience that was begun with are another run's.
    """
    progress = checkpoints.load()
    expected: dict[int, int] = {}
    finished = begun_with
    if progress is not None:
        finished = progress.finished
        first = next(iter(progress.matrix.metrics), None)
        for trained, scored, metric, score in progress.matrix.scored():
            if trained > begun_with and scored != TOGETHER and metric == first:
                expected[trained] = expected.get(trained, 0) + (score.n or 0)
    if predictions.begin(finished, scorer.split, expected):
        return progress
    log.info("%s is damaged: the run starts over", predictions.path)
    checkpoints.clear()
    predictions.begin(begun_with, scorer.split, {})
    return None


def _resume(
    method: Method,
    progress: Progress | None,
    checkpoints: Checkpoints,
    outcome: Outcome,
) -> int:
    """Take the last state and return the number of experiences that it has learned."""
    if progress is None:
        return 0
    if progress.made_with != program():
        log.info("note: begun with mlff %s, this is %s", progress.made_with, program())
    kept, own = progress.matrix, outcome.matrix
    try:
        if (kept.experiences, kept.learned) != (own.experiences, own.learned):
            raise RuntimeError("its scores are of other experiences")
        method.load(progress.state)
    except RuntimeError as error:
        raise UserError(
            f"{checkpoints.file}: does not fit this program ({error}); remove the folder "
            f"{checkpoints.folder} to start the run over"
        ) from error
    outcome.matrix = kept
    outcome.training_seconds = list(progress.training_seconds)
    outcome.extraction_seconds = progress.extraction_seconds
    outcome.peak_memory_mib = progress.peak_memory_mib
    outcome.steps = [Cost(**step) for step in progress.steps]
    return progress.finished


def _progress(finished: int, state: State, outcome: Outcome) -> Progress:
    return Progress(
        finished,
        outcome.matrix,
        outcome.training_seconds,
        outcome.extraction_seconds,
        outcome.peak_memory_mib,
        state,
        [asdict(step) for step in outcome.steps],
        program(),
    )


def _said(step: Step, total: int, seconds: float, scores: Scores) -> str:
    """Return one line about what was just learned."""
    own = scores.get(step.experiences[-1].name, {})
    values = ", ".join(
        f"{name} {'has no value' if math.isnan(value) else f'{value:.3f}'}"
        for name, value in list(own.items())[:2]
    )
    count = len(step.experiences)
    name = step.name if count == 1 else f"{count} experiences at once"
    return f"{step.index}/{total} {name}: learned in {seconds:.1f} s, {values}"
