"""What a finished run says of single images, and every figure that follows from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from mlff_cli.config.plug_ins import METRIC
from mlff_cli.config.plug_ins_needed import refuse_other_plug_ins
from mlff_cli.errors import UserError, nearest
from mlff_cli.metrics.floors import most_frequent
from mlff_cli.metrics.registry import by_file
from mlff_cli.results import predictions_file
from mlff_cli.results.experience_figures import Figure, figures_of
from mlff_cli.results.labels import plain
from mlff_cli.results.matrix import ScoreMatrix
from mlff_cli.results.operating_points import Limit, OperatingPoint, choose, limit_of
from mlff_cli.results.predictions import Kind, Predictions, good_class, truth_of
from mlff_cli.runs.folder import PREDICTIONS, RunFolder
from mlff_cli.runs.record import RunRecord
from mlff_cli.tasks.experience import Experience, SplitName

ALL_TOGETHER = "all experiences together"
"""Where one head grows: the images of all that were learned, as one experience."""


@dataclass(frozen=True)
class FinalScores:
    """The scores of the final model, experience by experience.

    Attributes:
        scored: Predictions of the split that results are of.
        metrics: Files of what they are measured by.
        answers: What the floors answer for every image of an experience.
        good: The classes of good parts.
        points: Operating points.
    """

    scored: Sequence[Predictions]
    metrics: Sequence[str] = ()
    answers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    good: Sequence[str] = ()
    points: Sequence[OperatingPoint] = ()

    @cached_property
    def figures(self) -> dict[str, list[Figure]]:
        """Every figure by the name of the experience."""
        metrics = [by_file(name) for name in self.metrics]
        return {
            part.experience: figures_of(
                part, metrics, self.answers[part.experience], self.good_of(part)
            )
            for part in self.scored
            if len(part)
        }

    def good_of(self, predictions: Predictions) -> str | None:
        """Return the class of good parts of an experience; None where it has none."""
        return good_class(self.good, predictions.outputs, predictions.kind)

    @property
    def tried_points(self) -> list[tuple[OperatingPoint, Predictions]]:
        """Operating points with the predictions that they are tried on."""
        by_name = {part.experience: part for part in self.scored}
        return [(p, by_name[p.experience]) for p in self.points if p.experience in by_name]


def final_scores(
    folder: RunFolder, config: Mapping[str, Any], record: RunRecord, matrix: ScoreMatrix
) -> FinalScores:
    """Return the final scores of a run; nothing of one whose predictions were not kept.

    Raises:
        UserError: predictions.csv is missing or damaged, or a metric is not here as it was.
    """
    refuse_other_plug_ins(config, (METRIC,))
    if not record.kind:
        return FinalScores(())
    found = predictions_file.read(
        folder.path / PREDICTIONS, record.kind, matrix.learned, config["splits"]["scored"]
    )
    learned = set(matrix.experiences[: matrix.learned])
    if matrix.scored_together:
        found.append(together([part for part in found if part.experience in learned]))
    return FinalScores(
        found,
        config["head"]["metrics"],
        record.answers,
        record.good or good_names(config["data"]),
        record.points,
    )


def good_names(data: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the classes of good parts that the section `data` of a config names."""
    named = data.get("good", ())
    return (named,) if isinstance(named, str) else tuple(named)


def check_good(data: Mapping[str, Any], experiences: Sequence[Experience]) -> None:
    """Refuse a class of good parts that no image has; "good" need not be there.

    Raises:
        UserError: It names the classes that there are.
    """
    names = good_names(data)
    classes = dict.fromkeys(output for e in experiences for output in e.outputs)
    if names in ((), ("good",)) or experiences[0].regression or not set(names).isdisjoint(classes):
        return
    raise UserError(
        f"data.good={names[0]}: no image is of this class; {nearest(names[0], classes)}"
    )


def answers_of(
    experiences: Sequence[Experience], scored: SplitName, kind: Kind
) -> dict[str, tuple[str, ...]]:
    """Return for each experience, and all together, what its floors answer for every image.

    That is the most frequent labels, or the medians, of its training images; of an unseen product
    none is in training: its own images show what it is made of.
    """
    parts = {plain(e.name): e.train or e.split(scored) for e in experiences}
    parts[ALL_TOGETHER] = [record for e in experiences for record in e.train]
    truths = {name: [truth_of(r, kind) for r in part] for name, part in parts.items() if part}
    if kind != "numbers":
        return {name: most_frequent(own) for name, own in truths.items()}
    return {
        name: tuple(map(repr, np.median(np.array(own, np.float64), axis=0).tolist()))
        for name, own in truths.items()
    }


def together(parts: Sequence[Predictions]) -> Predictions:
    """Return the predictions of one head on several experiences as if these were one."""
    return replace(
        parts[0],
        experience=ALL_TOGETHER,
        images=[name for part in parts for name in part.images],
        contents=[content for part in parts for content in part.contents],
        groups=[group for part in parts for group in part.groups],
        truths=[truth for part in parts for truth in part.truths],
        scores=np.concatenate([part.scores for part in parts]),
    )


def chosen_anew(
    folder: RunFolder, record: RunRecord, matrix: ScoreMatrix, operating_point: Mapping[str, Any]
) -> list[OperatingPoint]:
    """Return the operating points of a finished run by another limit.

    Raises:
        UserError: Both limits are given, or the run kept no predictions of validation images.
    """
    limited, most = limit(operating_point)
    validation: list[Predictions] = []
    if record.kind:
        validation = predictions_file.read(
            folder.path / PREDICTIONS, record.kind, matrix.learned, "validation"
        )
    if not record.points or not validation:
        raise UserError(
            f"{folder.path}: kept no predictions of validation images with good and defective "
            "parts, on which a threshold could be chosen"
        )
    own = {part.experience: part for part in validation}
    points = []
    for point in record.points:
        pool = [part for part in validation if not point.good or point.good in part.outputs]
        chosen_on = [own[point.experience]] if point.experience in own else pool
        points.append(choose(point.experience, chosen_on, point.good, limited, most))
    return points


def limit(config: Mapping[str, Any]) -> tuple[Limit, float]:
    """Return what the section `operating_point` holds, and at which share.

    Raises:
        UserError: It names both limits.
    """
    try:
        return limit_of(config["max_escape"], config["max_overkill"])
    except ValueError as error:
        raise UserError(
            f"operating_point: {error}; give max_escape= or max_overkill=, and null for the other"
        ) from error
