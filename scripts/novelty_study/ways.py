"""Ways to tell how unlike the training images an image is, by what a run says of both."""

from collections.abc import Callable, Mapping

import torch
from answers import Images, Part
from torch import Tensor
from torch.nn import functional as F

from mlff_cli.heads.novelty import AXES, Novelty, joint_descriptor

Distances = Callable[[Images], Tensor]
"""(N, C): to each class, or (N, 1): the larger, the less like anything known."""

View = Callable[[Images], Tensor]


def joint(images: Images) -> Tensor:
    """Return what the program goes by."""
    return joint_descriptor(images.descriptors, images.levels)


def read(images: Images) -> Tensor:
    """Return what the head reads."""
    return images.descriptors


def levels(images: Images) -> Tensor:
    """Return the means of all levels."""
    return images.levels


def fitted(part: Part, view: View, axes: int) -> Distances:
    """Return distances as the program takes them, of a view of images, with some axes."""
    train, validation = part.known("train"), part.known("validation")
    novelty = Novelty.fitted(
        (view(train), train.classes), (view(validation), validation.classes), axes=axes
    )
    return lambda images: novelty.distances_of(view(images))


def by_ledoit_wolf(part: Part, view: View, split: str = "train") -> Distances:
    """Return distances by a full covariance, shrunk, of the images of a split."""
    from sklearn.covariance import LedoitWolf

    train, spread_of = part.known("train"), part.known(split)
    rows = F.normalize(view(train).double())
    count = int(train.classes.max()) + 1
    means = torch.stack([rows[train.classes == place].mean(dim=0) for place in range(count)])
    spread = F.normalize(view(spread_of).double()) - means[spread_of.classes]
    precision = torch.from_numpy(LedoitWolf(assume_centered=True).fit(spread.numpy()).precision_)
    whitening = torch.linalg.cholesky(precision)
    centres = means @ whitening
    return lambda images: torch.cdist(
        F.normalize(view(images).double()) @ whitening, centres
    ).square()


def summed(part: Part) -> Distances:
    """Return the sum of the distances of both views, each in units of its validation images'."""
    both = [fitted(part, view, AXES) for view in (read, levels)]
    validation = part.known("validation")
    units = [
        own(validation).gather(1, validation.classes[:, None]).mean().clamp_min(1e-12)
        for own in both
    ]
    return lambda images: sum(
        (own(images) / unit for own, unit in zip(both, units, strict=True)),
        start=torch.zeros(()),
    )


def unsure(part: Part) -> Distances:
    """Return 1 - the largest softmax probability."""
    return lambda images: 1 - images.scores.double().amax(dim=1, keepdim=True)


def defect_score(part: Part) -> Distances | None:
    """Return 1 - the probability of the good class, if there is one."""
    good = part.good
    return None if good is None else lambda images: 1 - images.scores.double()[:, [good]]


ON_VALIDATION = "the same, full covariance of validation images"

SHIPPED = "novelty of the program"

WAYS: Mapping[str, Callable[[Part], Distances | None]] = {
    SHIPPED: lambda part: fitted(part, joint, AXES),
    "the same, 0 axes": lambda part: fitted(part, joint, 0),
    "the same, 8 axes": lambda part: fitted(part, joint, 8),
    "the same, 16 axes": lambda part: fitted(part, joint, 16),
    "the same, 64 axes": lambda part: fitted(part, joint, 64),
    "the same, full covariance (Ledoit-Wolf)": lambda part: by_ledoit_wolf(part, joint),
    ON_VALIDATION: lambda part: by_ledoit_wolf(part, joint, "validation"),
    "by what the head reads, 8 axes": lambda part: fitted(part, read, 8),
    "by what the head reads, 32 axes": lambda part: fitted(part, read, AXES),
    "by what the head reads, 64 axes": lambda part: fitted(part, read, 64),
    "by what the head reads, full covariance (Ledoit-Wolf)": (
        lambda part: by_ledoit_wolf(part, read)
    ),
    "by the means of all levels, 32 axes": lambda part: fitted(part, levels, AXES),
    "by the means of all levels, full covariance (Ledoit-Wolf)": (
        lambda part: by_ledoit_wolf(part, levels)
    ),
    "sum of both distances, 32 axes each": summed,
    "1 - largest softmax probability": unsure,
    "1 - probability of good": defect_score,
}
