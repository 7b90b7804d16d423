"""Which images stand best for the others: herding (Rebuffi et al. 2017, iCaRL, algorithm 4)."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from mlff_cli.heads.base import Head
from mlff_cli.tasks.record import Record


def herded(descriptors: Tensor, records: Sequence[Record], per_class: int, head: Head) -> list[int]:
    """Return the places of images: `per_class` of each class, or all there are.

    One after another the image is taken with which the mean of those taken comes nearest to the
    mean of the class, of normalised descriptors. An image with several labels counts for each of
    them, one with none as a class of its own. Where the head answers with numbers all images are
    one class, of which as many are taken for each number.

    Args:
        descriptors: (N, D), what the head reads of each image.
        records: The images.
        per_class: At least 1.
        head: Says what is answered.
    """
    directions = F.normalize(descriptors.cpu().double(), dim=1)
    taken = torch.zeros(len(records), dtype=torch.bool)
    for members, count in _classes(records, per_class, head):
        own = directions[members]
        left = ~taken[members]
        total, wanted = own[~left].sum(dim=0), own.mean(dim=0)
        for number in range(int((~left).sum()) + 1, min(count, len(members)) + 1):
            gaps = (wanted - (total + own) / number).norm(dim=1)
            nearest = int(gaps.masked_fill(~left, torch.inf).argmin())
            left[nearest] = False
            total = total + own[nearest]
        taken[members] = ~left
    return torch.nonzero(taken).flatten().tolist()


def _classes(records: Sequence[Record], per_class: int, head: Head) -> Iterator[tuple[Tensor, int]]:
    """Yield the places of the images of each class, and how many are wanted."""
    if head.answers == "targets":
        yield torch.arange(len(records)), per_class * head.n_outputs
        return
    members: dict[str, list[int]] = {}
    for place, record in enumerate(records):
        for name in record.labels or ("",):
            members.setdefault(name, []).append(place)
    for places in members.values():
        yield torch.tensor(places), per_class
