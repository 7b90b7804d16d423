"""Where the line between good and defective lies, and what passes it on either side.

An image is called defective where its score is at or above the threshold. An *escape* is a
defective part that passes as good, *overkill* a good one that is rejected.
"""

from dataclasses import dataclass
from math import floor

import numpy as np
from numpy.typing import NDArray

from mlff_cli.metrics.intervals import upper_bound

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Decisions:
    """Counts at a threshold.

    Attributes:
        defective: Defective images.
        escaped: Those of them that pass as good.
        good: Good images.
        rejected: Those of them that are called defective.
    """

    defective: int
    escaped: int
    good: int
    rejected: int

    @property
    def escape(self) -> float:
        """Share of the defective ones that pass; nan without any."""
        return self.escaped / self.defective if self.defective else float("nan")

    @property
    def overkill(self) -> float:
        """Share of the good ones that are rejected; nan without any."""
        return self.rejected / self.good if self.good else float("nan")

    @property
    def escape_bound(self) -> float:
        """What the escape rate lies below with 95 % certainty (exact, one-sided)."""
        return upper_bound(self.escaped, self.defective)

    @property
    def overkill_bound(self) -> float:
        """What the overkill rate lies below with 95 % certainty (exact, one-sided)."""
        return upper_bound(self.rejected, self.good)


def decisions(scores: Floats, defective: Flags, threshold: float) -> Decisions:
    """Return what a threshold does to images of scores (N,), some of them defective (N,)."""
    called = scores >= threshold
    return Decisions(
        defective=int(defective.sum()),
        escaped=int((defective & ~called).sum()),
        good=int((~defective).sum()),
        rejected=int((~defective & called).sum()),
    )


def threshold_for_escape(scores: Floats, defective: Flags, most: float) -> float:
    """Return the highest threshold at which no more than a share of defective images escapes.

    It lies half-way between the lowest score that must be caught and the next one below it.

    Args:
        scores: (N,), from 0 to 1.
        defective: (N,), at least one of them.
        most: Share of the defective images, below 1.
    """
    found = np.sort(scores[defective])
    caught = found[_allowed(most, len(found))]
    below = scores[scores < caught]
    return float((caught + (below.max() if len(below) else 0.0)) / 2)


def threshold_for_overkill(scores: Floats, defective: Flags, most: float) -> float:
    """Return the lowest threshold at which no more than a share of good images is rejected.

    It lies half-way between the highest score that must pass and the next one above it.

    Args:
        scores: (N,), from 0 to 1.
        defective: (N,), not all of them.
        most: Share of the good images, below 1.
    """
    good = np.sort(scores[~defective])[::-1]
    passed = good[_allowed(most, len(good))]
    above = scores[scores > passed]
    # The next number above it, or a good image that must pass would be rejected.
    middle = (passed + (above.min() if len(above) else 1.0)) / 2
    return float(max(middle, np.nextafter(passed, 2.0)))


def _allowed(share: float, count: int) -> int:
    """Return how many of a count a share is; 3 of 150 are 2 %, whatever rounding makes of it."""
    return min(count - 1, floor(share * count + 1e-9))
