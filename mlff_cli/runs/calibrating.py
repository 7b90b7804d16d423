"""Takes what a run knows of its own images from those that it trained and validated on."""

import logging
from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mlff_cli.features.pooling import mean_inputs
from mlff_cli.heads.novelty import Novelty, joint_descriptor, level_descriptor
from mlff_cli.heads.similarity import AXES
from mlff_cli.methods.base import Method
from mlff_cli.runs.calibration import (
    Calibration,
    HeadCalibration,
    level_descriptors,
    novelty_descriptors,
    without_gaps,
)
from mlff_cli.system.device import limited_threads
from mlff_cli.tasks.experience import Experience, SplitName
from mlff_cli.tasks.modalities import is_whole
from mlff_cli.tasks.record import Record

log = logging.getLogger(__name__)

SAMPLE = 2000
"""Images of a head, and of an experience, that constants are taken from: about as many at most."""


def calibrated(
    config: Mapping[str, Any],
    experiences: Sequence[Experience],
    method: Method,
    *,
    kept: Calibration | None = None,
) -> Calibration:
    """Take the constants from training images, the p-values from validation images.

    What is `kept`, of heads in which nothing changed and of experiences learned in an earlier run,
    stays. Where validation images are what is scored, none are left to calibrate on: nothing is
    known.
    """
    if config["splits"]["scored"] == "validation":
        return Calibration()
    kept = kept or Calibration()
    learned = [e for e in experiences if e.learned and e.head in method.heads]
    by_head: dict[str, list[Experience]] = {}
    for experience in learned:
        by_head.setdefault(experience.head, []).append(experience)
    heads = {
        name: kept.heads.get(name) or _head(method, name, own) for name, own in by_head.items()
    }
    sketches: dict[str, Novelty | None] = {}
    if method.reads_features:
        sketches = {e.name: kept.experiences.get(e.name) or _sketch(method, e) for e in learned}
    return Calibration(
        {name: found for name, found in heads.items() if found is not None},
        {name: found for name, found in sketches.items() if found is not None},
    )


def _head(method: Method, name: str, experiences: Sequence[Experience]) -> HeadCalibration | None:
    """Return what is known of a head's images; None without validation images.

    Of experiences whose images are not at hand what the method keeps of them stands for them.
    """
    validation = _sample(method, experiences, "validation")
    if not validation:
        return None
    described, classes = _training(method, name, experiences)
    scores, validated = _answers(method, name, validation)
    own = _classes(method, name, validation)
    if len(set(classes.tolist())) <= int(torch.cat([classes, own]).max()):
        log.info(
            "'%s': of one class no image is at hand, so that nothing tells what is unknown", name
        )
        return None
    truths = torch.empty(0)
    if method.adapters[name].exclusive:
        truths = torch.from_numpy(scores).gather(1, own[:, None]).flatten().sort().values
    with limited_threads(1):
        novelty = Novelty.fitted((described, classes), (validated, own))
    return HeadCalibration(novelty, truths)


def _training(
    method: Method, name: str, experiences: Sequence[Experience]
) -> tuple[Tensor, Tensor]:
    """Return what novelty is told by (N, E), and classes (N,), of what a head was trained on."""
    records = _sample(method, experiences, "train")
    rows, classes = [], []
    if records:
        rows = [_answers(method, name, records)[1]]
        classes = [_classes(method, name, records)]
    for experience in experiences:
        if not _is_at_hand(method, experience, "train"):
            kept = _exemplars(method, name, experience)
            rows += [kept[0]] if kept else []
            classes += [kept[1]] if kept else []
    if not rows:
        return torch.empty(0, 0), torch.empty(0, dtype=torch.int64)
    return torch.cat(rows), torch.cat(classes)


def _exemplars(method: Method, name: str, experience: Experience) -> tuple[Tensor, Tensor] | None:
    """Return the same of the exemplars of an experience, if their features tell the means."""
    inputs = list(method.adapters.fusion.inputs)
    wanted = mean_inputs(method.context.features.levels)
    exemplars = method.exemplars(name, experience.name)
    if exemplars is None or not set(wanted) <= set(inputs):
        return None
    columns = exemplars.columns[:]
    means = without_gaps(level_descriptor([columns[inputs.index(item)] for item in wanted]))
    targets = exemplars.targets
    if not method.adapters[name].exclusive:
        targets = torch.zeros(len(targets))
    return joint_descriptor(exemplars.descriptors.cpu(), means), targets.long()


def _answers(
    method: Method, name: str, records: Sequence[Record]
) -> tuple[NDArray[np.float32], Tensor]:
    """Return the scores of a head, and what novelty is told by."""
    images = [record.image for record in records]
    scores, descriptors = method.answers(name, images)
    return scores, novelty_descriptors(method, images, descriptors)


def _sketch(method: Method, experience: Experience) -> Novelty | None:
    """Return how unlike an experience's images others are; None without validation images."""
    training, validation = (
        _sample(method, [experience], split) for split in ("train", "validation")
    )
    if not training or not validation:
        return None
    with limited_threads(1):
        rows, others = (
            level_descriptors(method, [record.image for record in part])
            for part in (training, validation)
        )
        training_rows, validation_rows = (rows, _zeros(rows)), (others, _zeros(others))
        return Novelty.fitted(training_rows, validation_rows, axes=AXES)


def _zeros(rows: Tensor) -> Tensor:
    return torch.zeros(len(rows), dtype=torch.int64)


def _classes(method: Method, name: str, records: Sequence[Record]) -> Tensor:
    """Return the class (N,) of each record; where several outputs may be right there is one."""
    head = method.adapters[name]
    if head.exclusive:
        return head.targets(records, head.outputs)
    return torch.zeros(len(records), dtype=torch.int64)


def _sample(method: Method, experiences: Sequence[Experience], split: SplitName) -> list[Record]:
    """Return the records of a split that are at hand; of many, an equal share of each class.

    Not every n-th in their order: where classes alternate, those would be of one class alone.
    """
    there = [e for e in experiences if _is_at_hand(method, e, split)]
    records = [record for experience in there for record in experience.split(split)]
    # How unlike others a part is, is told of whole ones alone.
    modalities = method.context.features.modalities
    records = [record for record in records if is_whole(record.image, modalities)]
    step = max(1, ceil(len(records) / SAMPLE))
    by_labels: dict[tuple[str, ...], list[Record]] = {}
    for record in records:
        by_labels.setdefault(record.labels, []).append(record)
    return [record for own in by_labels.values() for record in own[::step]]


def _is_at_hand(method: Method, experience: Experience, split: SplitName) -> bool:
    return method.can_read([record.image for record in experience.split(split)])
