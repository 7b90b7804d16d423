"""One experience scored: every output for every image, and the metrics of that."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlff_cli.heads.base import Head
from mlff_cli.methods.base import Method
from mlff_cli.tasks.experience import Experience, SplitName


@dataclass(frozen=True)
class Scored:
    """What a head gave for the images of one split of an experience, in their order.

    Attributes:
        scores: (N, O), as metrics take them.
        targets: (N,) or (N, O), as the kind of head defines them.
        outputs: Names of the O columns: all that the head answers with.
    """

    scores: NDArray[np.float32]
    targets: NDArray[np.generic]
    outputs: tuple[str, ...]


def is_readable(method: Method, experience: Experience) -> bool:
    """Return whether the experience's head is there and has all of its outputs."""
    heads = method.heads
    return experience.head in heads and set(experience.outputs) <= set(heads[experience.head])


def score_experience(
    method: Method, experience: Experience, split: SplitName, head: type[Head]
) -> Scored | None:
    """Score the images of a split; None where there are none.

    Args:
        method: Has learned the head that reads the experience.
        experience: One that is readable.
        split: Which of its images.
        head: The kind of head, which says what a record's target is.
    """
    records = experience.split(split)
    if not records:
        return None
    outputs = method.heads[experience.head]
    scores = method.scores(experience.head, [record.image for record in records])
    return Scored(scores, head.targets(records, outputs).numpy(), outputs)


def metrics_of(scored: Scored | None, head: type[Head]) -> Mapping[str, float]:
    """Return every metric by its name in the score matrix; none where nothing was scored."""
    return {} if scored is None else head.metrics(scored.scores, scored.targets, scored.outputs)
