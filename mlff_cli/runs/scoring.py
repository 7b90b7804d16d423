"""One experience scored: every output for every image, and the metrics of that."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlff_cli.errors import UserError
from mlff_cli.heads.base import Head
from mlff_cli.methods.base import Method
from mlff_cli.metrics.registry import computed
from mlff_cli.results.predictions import Kind
from mlff_cli.runs.adapters_file import digest_of
from mlff_cli.tasks.experience import Experience, SplitName, Step


@dataclass(frozen=True)
class Scored:
    """What a head gave for the images of one split of an experience, in their order.

    Attributes:
        scores: (N, O), as metrics take them.
        targets: (N,) or (N, O), as the kind of head defines them.
        outputs: Names of the O columns: all that the head answers with.
        values: Every metric by its name in the score matrix; nan where it cannot be computed.
    """

    scores: NDArray[np.float32]
    targets: NDArray[Any]
    outputs: tuple[str, ...]
    values: Mapping[str, float]


@dataclass(frozen=True)
class Scorer:
    """How a run scores an experience.

    Attributes:
        head: The kind of head, which says what a record's target is.
        metrics: Names of the files of its metrics.
        split: Whose images are scored.
    """

    head: type[Head]
    metrics: Sequence[str]
    split: SplitName

    @property
    def kind(self) -> Kind:
        """What is asked of the images."""
        if self.head.answers == "targets":
            return "numbers"
        return "class" if self.head.exclusive else "labels"

    def __call__(self, method: Method, experience: Experience) -> Scored:
        """Score an experience that `is_readable`; a task has images to score in each."""
        records = experience.split(self.split)
        outputs = method.adapters[experience.head].outputs
        scores = method.scores(experience.head, [record.image for record in records])
        return self._scored(scores, self.head.targets(records, outputs).numpy(), outputs)

    def together(self, parts: Sequence[Scored]) -> Scored:
        """Score the images of several experiences that one head reads as if they were one."""
        scores = np.concatenate([part.scores for part in parts])
        targets = np.concatenate([part.targets for part in parts])
        return self._scored(scores, targets, parts[0].outputs)

    def _scored(
        self, scores: NDArray[np.float32], targets: NDArray[Any], outputs: tuple[str, ...]
    ) -> Scored:
        values = computed(self.metrics, scores, targets, outputs)
        return Scored(scores, targets, outputs, values)


@dataclass
class LatestScores:
    """What was scored of each experience last: it stands until something of its head is learned.

    Heads with fusion layers of their own stay as they are while others learn. Scored anew after
    each training, the experiences before the two hundredth would take longer than it does; so
    would looking whether they changed. That is made sure of once, at the end.
    """

    scorer: Scorer
    _latest: dict[str, tuple[Experience, str, Scored]] = field(default_factory=dict)

    def __call__(self, method: Method, experience: Experience, step: Step | None) -> Scored | None:
        """Return the scores of an experience, None of one that is not readable.

        Args:
            method: Answers.
            experience: Whose images are scored.
            step: What was learned just now, if anything was.
        """
        latest = self._latest.get(experience.name)
        learned = {e.head for e in step.experiences} if step else set()
        if latest is not None and experience.head not in learned:
            return latest[2]
        if not is_readable(method, experience, self.scorer.split):
            return None
        scored = self.scorer(method, experience)
        if method.heads_are_apart:
            digest = digest_of(method.part(experience.head))
            self._latest[experience.name] = experience, digest, scored
        return scored

    def refuse_changed(self, method: Method) -> None:
        """Raise `UserError` where what was scored would not answer as it did."""
        for experience, digest, _ in self._latest.values():
            if digest != digest_of(method.part(experience.head)):
                raise UserError(
                    f"{type(method).__name__} changed the head '{experience.head}' while it "
                    "learned other heads: their scores after that are not known. A method that "
                    "does returns False from heads_are_apart; without a plug-in, report this"
                )


def head_grows(experiences: Sequence[Experience]) -> bool:
    """Return whether all experiences share one head that gets new outputs on the way."""
    heads = {experience.head for experience in experiences}
    return len(heads) == 1 and len({experience.outputs for experience in experiences}) > 1


def is_readable(method: Method, experience: Experience, split: SplitName) -> bool:
    """Return whether an experience can be scored.

    Its head is there and has all of its outputs, and the images of the split are at hand.
    """
    return (
        experience.head in method.adapters
        and set(experience.outputs) <= set(method.adapters[experience.head].outputs)
        and method.can_read([record.image for record in experience.split(split)])
    )
