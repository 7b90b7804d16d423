"""What a search for copies between train and test means for a table."""

from collections.abc import Sequence
from dataclasses import dataclass

TOLERATED = 0.06
"""Share of the scored images that may have a near-duplicate in training.

Measured over twelve seeds with EfficientNet-Lite0: in splits by group at most 5.4 % (magnetic tiles
by run, where neighbouring runs may show one tile), 1.1 % (steel; solar cells by block) and none
(drawn surfaces); in splits by image at least 28.0 % (tiles), 8.5 % (cells, 128 px) and 3.4 %
(cells, 224 px).
"""


@dataclass(frozen=True)
class LeakCheck:
    """The verdict on a split.

    Attributes:
        split: Name of the scored split.
        scored: Number of scored images.
        copied: Number of those that have a copy in training, near or exact.
        passed: Whether so few have one that scores can be trusted.
    """

    split: str
    scored: int
    copied: int
    passed: bool

    @property
    def share(self) -> float:
        """Share of the scored images that have a copy."""
        return self.copied / self.scored if self.scored else 0.0


def verdict(scored: int, copied: int, split: str) -> LeakCheck:
    """Return the verdict on so many copies among so many scored images of a split."""
    return LeakCheck(split, scored, copied, passed=copied <= TOLERATED * scored)


def sentence(check: LeakCheck) -> str:
    """Return a verdict in words."""
    if not check.copied:
        return f"split: no near-duplicates between train and {check.split}"
    found = (
        f"{check.copied} of {check.scored} {check.split} images ({check.share:.1%}) have a "
        "near-duplicate"
    )
    if check.passed:
        return f"split: {found} in train; up to {TOLERATED:.0%} pass"
    return f"WARNING: the split leaks: {found} in train; the scores are too good"


def sentences(checks: Sequence[tuple[str, LeakCheck]]) -> list[str]:
    """Return a line for each scenario, with the worst of the verdicts on its splits.

    Args:
        checks: Scenario and verdict of each run that has one.
    """
    worst: dict[str, LeakCheck] = {}
    for scenario, check in checks:
        if scenario not in worst or check.share > worst[scenario].share:
            worst[scenario] = check
    if len(set(map(sentence, worst.values()))) == 1:
        return [sentence(next(iter(worst.values())))]
    return [f"{scenario}: {sentence(check)}" for scenario, check in worst.items()]
