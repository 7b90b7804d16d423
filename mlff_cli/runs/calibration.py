"""What a run knows of its own images beside scores: how unlike them another image is."""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Any

import torch
from torch import Tensor

from mlff_cli.features.columns import everything
from mlff_cli.features.pooling import LevelInput
from mlff_cli.heads.novelty import Novelty, level_descriptor
from mlff_cli.methods.base import Method
from mlff_cli.runs.scoring import is_readable
from mlff_cli.system.device import limited_threads
from mlff_cli.tasks.experience import Experience, SplitName
from mlff_cli.tasks.record import ImageSource, Record

log = logging.getLogger(__name__)

SAMPLE = 2000
"""Images of a head, and of an experience, that constants are taken from at most."""

TRUTHS = "truths"


@dataclass(frozen=True)
class HeadCalibration:
    """What is known of the images of a head.

    Attributes:
        novelty: How unlike them an image is, by the descriptor that the head reads.
        truths: (M,), scores of the true class of validation images, ascending; empty where several
            outputs may be right.
    """

    novelty: Novelty
    truths: Tensor


@dataclass(frozen=True)
class Calibration:
    """What is known of the images of a run, by the names of heads and of experiences.

    Attributes:
        heads: Empty of those that had no validation images.
        experiences: How unlike its images an image is by the means of all levels, which nothing
            was trained on: by these the experience is found that an image belongs to.
    """

    heads: Mapping[str, HeadCalibration] = field(default_factory=dict)
    experiences: Mapping[str, Novelty] = field(default_factory=dict)

    def tensors(self) -> dict[str, Tensor]:
        """Return all tensors; their names tell whose they are."""
        named = {
            ("head", head, part): tensor
            for head, own in self.heads.items()
            for part, tensor in (own.novelty.parts() | {TRUTHS: own.truths}).items()
        }
        named |= {
            ("experience", name, part): tensor
            for name, own in self.experiences.items()
            for part, tensor in own.parts().items()
        }
        return {json.dumps(key, ensure_ascii=False): tensor for key, tensor in named.items()}

    @classmethod
    def of_tensors(cls, tensors: Mapping[str, Tensor]) -> "Calibration":
        """Return what `tensors` was made of.

        Raises:
            ValueError, KeyError: Something is missing or of another kind.
        """
        parts: dict[tuple[str, str], dict[str, Tensor]] = {}
        for key, tensor in tensors.items():
            kind, name, part = json.loads(key)
            parts.setdefault((kind, name), {})[part] = tensor
        return cls(
            {
                name: HeadCalibration(Novelty.of_parts(own), own[TRUTHS].float())
                for (kind, name), own in parts.items()
                if kind == "head"
            },
            {
                name: Novelty.of_parts(own)
                for (kind, name), own in parts.items()
                if kind == "experience"
            },
        )


def calibrated(
    config: Mapping[str, Any], experiences: Sequence[Experience], method: Method
) -> Calibration:
    """Take the constants from training images, the p-values from validation images.

    Where validation images are what is scored, none are left to calibrate on: nothing is known.
    """
    if config["splits"]["scored"] == "validation":
        return Calibration()
    learned = [e for e in experiences if e.learned and is_readable(method, e)]
    by_head: dict[str, list[Experience]] = {}
    for experience in learned:
        by_head.setdefault(experience.head, []).append(experience)
    heads = {name: _head(method, name, own) for name, own in by_head.items()}
    sketches = {e.name: _sketch(method, e) for e in learned} if method.reads_features else {}
    return Calibration(
        {name: found for name, found in heads.items() if found is not None},
        {name: found for name, found in sketches.items() if found is not None},
    )


def level_descriptors(method: Method, images: Sequence[ImageSource]) -> Tensor:
    """Return the means of all levels (N, U) of images: what tells products apart."""
    features = method.context.features
    inputs = [LevelInput(level.name, "mean") for level in features.facts.levels]
    columns = features.read(images, inputs)
    return torch.cat([level_descriptor(part) for part in everything(columns)])


def _head(method: Method, name: str, experiences: Sequence[Experience]) -> HeadCalibration | None:
    """Return what is known of a head's images; None without validation images."""
    training, validation = (_sample(experiences, split) for split in ("train", "validation"))
    if not training or not validation:
        return None
    _, described = method.answers(name, [record.image for record in training])
    scores, validated = method.answers(name, [record.image for record in validation])
    classes, own = (_classes(method, name, part) for part in (training, validation))
    if bool((classes.bincount() == 0).any()):
        log.info("'%s': a class without training images; nothing tells what is unknown", name)
        return None
    truths = torch.empty(0)
    if method.adapters[name].exclusive:
        truths = torch.from_numpy(scores).gather(1, own[:, None]).flatten().sort().values
    with limited_threads(1):
        novelty = Novelty.fitted((described.cpu(), classes), (validated.cpu(), own))
    return HeadCalibration(novelty, truths)


def _sketch(method: Method, experience: Experience) -> Novelty | None:
    """Return how unlike an experience's images others are; None without validation images."""
    training, validation = (_sample([experience], split) for split in ("train", "validation"))
    if not training or not validation:
        return None
    with limited_threads(1):
        rows, others = (
            level_descriptors(method, [record.image for record in part])
            for part in (training, validation)
        )
        nothing = torch.zeros(len(rows), dtype=torch.int64)
        return Novelty.fitted((rows, nothing), (others, nothing[: len(others)]), axes=0)


def _classes(method: Method, name: str, records: Sequence[Record]) -> Tensor:
    """Return the class (N,) of each record; where several outputs may be right there is one."""
    head = method.adapters[name]
    if head.exclusive:
        return head.targets(records, head.outputs)
    return torch.zeros(len(records), dtype=torch.int64)


def _sample(experiences: Sequence[Experience], split: SplitName) -> list[Record]:
    """Return the records of a split of some experiences, evenly thinned where they are many."""
    records = [record for experience in experiences for record in experience.split(split)]
    return records[:: ceil(len(records) / SAMPLE) or 1]
