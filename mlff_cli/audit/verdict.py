"""What a search for copies between train and test means for a table."""

from collections.abc import Mapping, Sequence
from typing import Any

TOLERATED = 0.06
"""Share of the scored images that may have a near-duplicate in training.

Measured over twelve seeds with EfficientNet-Lite0: in splits by group at most 5.4 % (magnetic tiles
by run, where neighbouring runs may show one tile), 1.1 % (steel; solar cells by block) and none
(drawn surfaces); in splits by image at least 28.0 % (tiles), 8.5 % (cells, 128 px) and 3.4 %
(cells, 224 px).
"""


def verdict(scored: int, copied: int, split: str) -> dict[str, Any]:
    """Return the verdict on a split as it is kept: counts, and whether it passes.

    Args:
        scored: Number of scored images.
        copied: Number of those that have a copy in training, near or exact.
        split: Name of the scored split.
    """
    passed = copied <= TOLERATED * scored
    return {"split": split, "scored": scored, "copied": copied, "passed": passed}


def sentence(check: Mapping[str, Any]) -> str:
    """Return a verdict in words."""
    split, scored, copied = check["split"], check["scored"], check["copied"]
    if not copied:
        return f"split: no near-duplicates between train and {split}"
    found = f"{copied} of {scored} {split} images ({copied / scored:.1%}) have a near-duplicate"
    if check["passed"]:
        return f"split: {found} in train; up to {TOLERATED:.0%} pass"
    return f"WARNING: the split leaks: {found} in train; the scores are too good"


def sentences(checks: Sequence[tuple[str, Mapping[str, Any]]]) -> list[str]:
    """Return a line for each scenario, with the worst of the verdicts on its splits.

    Args:
        checks: Scenario and verdict of each run that has one.
    """
    worst: dict[str, Mapping[str, Any]] = {}
    for scenario, check in checks:
        known = worst.get(scenario)
        if known is None or _share(check) > _share(known):
            worst[scenario] = check
    if len(set(map(sentence, worst.values()))) == 1:
        return [sentence(next(iter(worst.values())))]
    return [f"{scenario}: {sentence(check)}" for scenario, check in worst.items()]


def _share(check: Mapping[str, Any]) -> float:
    return float(check["copied"] / check["scored"]) if check["scored"] else 0.0
