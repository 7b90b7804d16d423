"""What a head gave for the images of one experience, image by image."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mlff_cli.tasks.record import Record

Kind = Literal["class", "labels", "numbers"]
"""What is asked of an image: one class, any number of labels, or numbers."""

LABEL_THRESHOLD = 0.5
"""A label is predicted at or above this score."""


@dataclass(frozen=True)
class Predictions:
    """N images of one split of an experience, as the model after one training saw them.

    Attributes:
        experience: Its name, on one line.
        trained: Index of the experience trained last, 0 for the untrained model.
        split: Which images of the experience they are.
        kind: What is asked of them.
        outputs: Names of the O columns of scores.
        images: Their names.
        contents: Beginnings of the hashes of what they hold.
        groups: What belongs together; "" stands for itself.
        truths: The labels of each, or its numbers as texts.
        scores: (N, O), float32.
    """

    experience: str
    trained: int
    split: str
    kind: Kind
    outputs: tuple[str, ...]
    images: Sequence[str]
    contents: Sequence[str]
    groups: Sequence[str]
    truths: Sequence[tuple[str, ...]]
    scores: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.images)

    @property
    def targets(self) -> NDArray[Any]:
        """What metrics take: class indices (N,), indicators (N, O) or numbers (N, O)."""
        if self.kind == "numbers":
            return np.array(self.truths, np.float64).reshape(len(self), -1)
        if self.kind == "class":
            return np.array([self.outputs.index(truth) for (truth,) in self.truths], np.int64)
        return np.array(
            [[output in truth for output in self.outputs] for truth in self.truths], bool
        ).reshape(len(self), len(self.outputs))

    @property
    def predicted(self) -> list[tuple[str, ...]]:
        """The class of the highest score, the labels above the threshold, or the numbers."""
        return predicted(self.kind, self.outputs, self.scores)

    def bearing(self, output: str) -> NDArray[np.bool_]:
        """Return which images (N,) have a class or label."""
        return np.array([output in truth for truth in self.truths], bool)


def predicted(
    kind: Kind, outputs: Sequence[str], scores: NDArray[np.float32]
) -> list[tuple[str, ...]]:
    """Return what scores (N, O) say in words.

    The class of the highest score, the labels above the threshold, or the numbers.
    """
    if kind == "class":
        return [(outputs[place],) for place in scores.argmax(axis=1)]
    if kind == "numbers":
        return [tuple(row) for row in scores.astype(str).tolist()]
    return [
        tuple(name for name, score in zip(outputs, row, strict=True) if score)
        for row in scores >= LABEL_THRESHOLD
    ]


def truth_of(record: Record, kind: Kind) -> tuple[str, ...]:
    """Return what an image is, in words: its labels, or its numbers."""
    return tuple(map(repr, record.targets)) if kind == "numbers" else record.labels


def good_class(good: Sequence[str], outputs: Sequence[str], kind: Kind) -> str | None:
    """Return which of the classes called good an experience has; None where it has none.

    Of labels, the one that no other goes with; an image without any label is good as well.
    """
    if kind == "numbers":
        return None
    return next((name for name in good if name in outputs), "" if kind == "labels" else None)


def defective(predictions: Predictions, good: str) -> NDArray[np.bool_]:
    """Return which images (N,) are anything but good."""
    return np.array([any(name != good for name in truth) for truth in predictions.truths], bool)


def defect_scores(predictions: Predictions, good: str) -> NDArray[np.float64]:
    """Return how surely each image (N,) is defective, from 0 to 1.

    Of exclusive classes that is 1 - the score of good, of labels the highest score of a defect.
    """
    scores = predictions.scores.astype(np.float64)
    if predictions.kind == "class":
        certain: NDArray[np.float64] = 1 - scores[:, predictions.outputs.index(good)]
        return certain
    others = [place for place, name in enumerate(predictions.outputs) if name != good]
    highest: NDArray[np.float64] = scores[:, others].max(axis=1)
    return highest
