"""Takes what is known of a new domain from images without labels, and aligns a head to it."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mlff_cli.errors import UserError
from mlff_cli.features.columns import everything
from mlff_cli.features.pooling import mean_inputs
from mlff_cli.fusion.alignment import WAYS, statistics_of
from mlff_cli.methods.base import Method
from mlff_cli.runs.calibrating import SAMPLE
from mlff_cli.tasks.experience import Experience
from mlff_cli.tasks.record import ImageSource

FEWEST = 20
"""Images below which nothing is said of a domain."""

RESAMPLES, FLOOR = 200, 0.95
"""How often training images are drawn at random, and the share of draws below the floor."""


@dataclass(frozen=True)
class Drift:
    """How far the images of a domain are from those that a head was trained on, at one level.

    Attributes:
        level: Its name.
        distance: Root mean square over channels of the difference of means, in standard deviations
            of training images.
        floor: What as many training images, drawn at random, reach in 19 of 20 cases.
    """

    level: str
    distance: float
    floor: float

    @property
    def told(self) -> bool:
        """Whether it is more than chance."""
        return self.distance > self.floor


def refuse_unaligned(method: Method, head: str) -> None:
    """Raise `UserError` where nothing between features and head can be aligned for it alone."""
    layer = method.adapters.fusion_of(head)
    if not method.reads_features or not layer.can_align:
        raise UserError(
            "mlff adapt: this run's method or fusion layer has no constants and weights of its "
            "levels that could be aligned (method=mlff fusion=local has)"
        )
    shared = [name for name in method.heads if method.adapters.fusion_of(name) is layer]
    if len(shared) > 1:
        raise UserError(
            f"mlff adapt: {len(shared)} heads of this run read one fusion layer, and what changes "
            f"for '{head}' would change for all; train with fusion.shared=auto and separate heads"
        )


def training_images(
    method: Method, head: str, experiences: Sequence[Experience]
) -> list[Experience]:
    """Return the experiences that a head was trained on, all of whose images are at hand.

    Raises:
        UserError: Those of one are not, so that there is nothing to compare with.
    """
    own = [e for e in experiences if e.learned and e.head == head]
    for experience in own:
        if not method.can_read([record.image for record in experience.train]):
            raise UserError(
                f"mlff adapt: neither images nor features of '{experience.name}' are at hand, and "
                "a run keeps too little of them to compare with; put its images back where they "
                "were, or train on new ones with mlff train from="
            )
    return own


def sampled(experiences: Sequence[Experience]) -> list[ImageSource]:
    """Return the training images of experiences; of many, some drawn at random."""
    images = [record.image for e in experiences for record in e.train]
    return random.Random(0).sample(images, min(SAMPLE, len(images)))


def drifts(
    method: Method, source: Sequence[ImageSource], target: Sequence[ImageSource]
) -> list[Drift]:
    """Return the drift of each level, shallowest first."""
    features = method.context.features
    inputs = mean_inputs(features.facts.levels)
    wanted = [*method.adapters.fusion.inputs, *inputs]
    for images in (source, target):  # with all that is read later, in one pass
        features.ensure(images, wanted)
    columns = [features.read(images, inputs)[:] for images in (source, target)]
    return [
        Drift(item.level, *drift_of(old.double(), new.double()))
        for item, old, new in zip(inputs, *columns, strict=True)
    ]


def drift_of(source: Tensor, target: Tensor) -> tuple[float, float]:
    """Return the distance of two sets of rows (N, C) and (M, C), and its floor."""
    deviation = source.std(dim=0, correction=0)
    varies = deviation > 1e-6
    rows = (source - source.mean(dim=0))[:, varies] / deviation[varies]
    other = (target - source.mean(dim=0))[:, varies] / deviation[varies]
    draws = torch.Generator().manual_seed(0)
    size = (RESAMPLES, len(target))
    drawn = torch.randint(len(rows), size, generator=draws)
    by_chance = torch.stack([_distance(rows[chosen]) for chosen in drawn])
    return float(_distance(other)), float(by_chance.quantile(FLOOR))


def _distance(rows: Tensor) -> Tensor:
    return rows.mean(dim=0).square().mean().sqrt()


def align(
    method: Method,
    head: str,
    source: Sequence[ImageSource],
    target: Sequence[ImageSource],
    way: str,
) -> None:
    """Let a head read images like those of the target as it reads those of the source."""
    layer, features = method.adapters.fusion_of(head), method.context.features
    before, now = (
        statistics_of(everything(features.read(images, layer.inputs)))
        for images in (source, target)
    )
    layer.align([WAYS[way](old, new) for old, new in zip(before, now, strict=True)])
