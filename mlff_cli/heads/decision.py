"""From scores and novelty to what happens to a part."""

import torch
from torch import Tensor, nn

from mlff_cli.heads.novelty import Novelty

DECISIONS = ("ok", "defect", "review", "unknown", "")
"""What can be decided, by code; the last one where no threshold was chosen."""

OK, DEFECT, REVIEW, UNKNOWN, NONE = range(len(DECISIONS))


class Decision(nn.Module):
    """Decides on images by their scores and by how unlike the training images they are.

    - *unknown*: like no class, every p-value is at or below `novelty`;
    - *review*: the class that the head names is among those that it is not like; or, with
      `truths`, the set of classes that holds the true one of all but a share `review` of images
      (least ambiguous sets, Sadinle et al. 2019, arXiv 1609.00451) is not a single class;
    - *defect* at or above the threshold, else *ok*.

    The same module decides in `mlff predict` and in an exported graph.

    Attributes:
        good: Place of the class of good parts among the outputs; None where they bear no label.
        has_good: Whether there are good parts at all.
        exclusive: Whether the outputs are classes of which one is right.
        threshold: From which score of a defect an image is defective; None: none was chosen.
        floor: The score from which a class is in the set; None: sets are not looked at.
        dtype: Of the scores of a defect.
    """

    dtype = torch.float64

    def __init__(
        self,
        *,
        good: int | None,
        has_good: bool,
        exclusive: bool,
        threshold: float | None,
        novelty: float | None,
        floor: float | None = None,
    ) -> None:
        super().__init__()
        self.good = good
        self.has_good = has_good
        self.exclusive = exclusive
        self.threshold = threshold
        self.novelty = novelty
        self.floor = floor

    def defect_scores(self, scores: Tensor) -> Tensor:
        """Return how surely each image is defective (B,) by scores (B, O)."""
        wide = scores.to(self.dtype)
        if self.exclusive and self.good is not None:
            return 1 - wide[:, self.good]
        others = [place for place in range(scores.shape[1]) if place != self.good]
        return wide[:, others].amax(dim=1)

    def forward(self, scores: Tensor, p_values: Tensor | None) -> Tensor:
        """Return the code (B,) of the decision on scores (B, O) and p-values (B, C or 1)."""
        codes = torch.full((scores.shape[0],), NONE, dtype=torch.int64, device=scores.device)
        if self.has_good and self.threshold is not None:
            codes = torch.where(self.defect_scores(scores) >= self.threshold, DEFECT, OK)
        if self.floor is not None and self.exclusive:
            single = (scores >= self.floor).sum(dim=1) == 1
            codes = torch.where(single, codes, REVIEW)
        if p_values is not None and self.novelty is not None:
            unlike = p_values <= self.novelty
            if p_values.shape[1] == scores.shape[1] and self.exclusive:
                named = unlike.gather(1, scores.argmax(dim=1, keepdim=True))[:, 0]
                codes = torch.where(named, REVIEW, codes)
            codes = torch.where(unlike.all(dim=1), UNKNOWN, codes)
        return codes


def set_floor(truths: Tensor, share: float) -> float | None:
    """Return the score from which a class is in the set; None where images are too few for it.

    Args:
        truths: Scores (M,) of the true class of validation images, ascending.
        share: Of images whose true class the set may miss.
    """
    place = int(share * (len(truths) + 1))
    return float(truths[place - 1]) if place >= 1 else None


def smallest_share(novelty: Novelty) -> float:
    """Return the smallest p-value that there can be: below it nothing is ever unknown."""
    return 1 / (1 + len(novelty.distances))
