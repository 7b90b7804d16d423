"""Operating points: a threshold per experience, chosen on validation images, tried on others."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from mlff_cli.metrics.intervals import needed_for
from mlff_cli.metrics.operating_point import (
    Decisions,
    decisions,
    threshold_for_escape,
    threshold_for_overkill,
)
from mlff_cli.results.predictions import Predictions, defect_scores, defective

Limit = Literal["max_escape", "max_overkill"]
"""What is held on validation images: the share of defective ones that pass, of good ones that
are rejected."""

DEFAULT_ESCAPE = 0.02


@dataclass(frozen=True)
class OperatingPoint:
    """Where the line between good and defective lies for one experience.

    Attributes:
        experience: Its name.
        good: The class of good parts, "" where they bear no label.
        limit: What was held.
        most: The share that was allowed.
        threshold: At or above it an image is defective; None where none could be chosen.
        chosen_on: What it does to the validation images that it was chosen on.
    """

    experience: str
    good: str
    limit: Limit
    most: float
    threshold: float | None
    chosen_on: Decisions


def limit_of(max_escape: float | None, max_overkill: float | None) -> tuple[Limit, float]:
    """Return what is held, and at which share; where nothing is given, the default.

    Raises:
        ValueError: Both are given.
    """
    if max_escape is not None and max_overkill is not None:
        raise ValueError("one threshold cannot hold both")
    if max_overkill is not None:
        return "max_overkill", max_overkill
    return "max_escape", DEFAULT_ESCAPE if max_escape is None else max_escape


def choose(
    experience: str, validation: Sequence[Predictions], good: str, limit: Limit, most: float
) -> OperatingPoint:
    """Choose the threshold of an experience on validation images.

    Args:
        experience: Its name.
        validation: The images: its own, or those of all experiences that share its head.
        good: The class of good parts.
        limit: What is held.
        most: At which share.
    """
    scores = np.concatenate([defect_scores(part, good) for part in validation] or [np.empty(0)])
    flags = np.concatenate([defective(part, good) for part in validation] or [np.empty(0, bool)])
    threshold = None
    if 0 < flags.sum() < len(flags):
        chosen = threshold_for_escape if limit == "max_escape" else threshold_for_overkill
        threshold = chosen(scores, flags, most)
    there = decisions(scores, flags, float("inf") if threshold is None else threshold)
    return OperatingPoint(experience, good, limit, most, threshold, there)


def tried(point: OperatingPoint, scored: Predictions) -> Decisions | None:
    """Return what a threshold does to the images that were scored; None without one."""
    if point.threshold is None:
        return None
    scores, flags = defect_scores(scored, point.good), defective(scored, point.good)
    return decisions(scores, flags, point.threshold)


def sentences(point: OperatingPoint, scored: Predictions) -> list[str]:
    """Return in words what the threshold does, how sure that is, and what cannot be known."""
    found = tried(point, scored)
    seen = point.chosen_on
    if found is None:
        lacking, count = "good" if seen.defective else "defective", seen.defective + seen.good
        return [
            f"no operating point: no {lacking} image is among the {count} validation images; "
            "more of them come with splits.validation=..."
        ]
    lines = [
        f"threshold {point.threshold:.3g}, chosen on validation images ({point.limit}="
        f"{point.most:g}), where {seen.escaped} of {seen.defective} defective ones escape and "
        f"{seen.rejected} of {seen.good} good ones are rejected",
        f"{scored.split} images: {rates(found)}",
    ]
    return lines + _too_few(point, found)


def rates(found: Decisions) -> str:
    """Return in words what escapes and what is rejected, with exact bounds."""
    return (
        f"escape {_share(found.escaped, found.defective)}{_bound(found.escape_bound)}, "
        f"overkill {_share(found.rejected, found.good)}{_bound(found.overkill_bound)}"
    )


def _too_few(point: OperatingPoint, found: Decisions) -> list[str]:
    """Say where so few images cannot show that the limit is held, whatever the scores."""
    escape = point.limit == "max_escape"
    count, kind = (found.defective, "defective") if escape else (found.good, "good")
    if point.most <= 0:
        return [f"no number of images shows {point.limit}=0: without any miss the bound is above 0"]
    needed = needed_for(point.most)
    if count >= needed:
        return []
    what = "an escape rate" if escape else "an overkill rate"
    return [
        f"{count} {kind} images are too few to show {what} below {100 * point.most:g} %: "
        f"{needed} without any miss would"
    ]


def _share(count: int, total: int) -> str:
    return f"{count} of {total}" + (f" ({100 * count / total:.1f} %" if total else " (unknown")


def _bound(bound: float) -> str:
    return ")" if np.isnan(bound) else f", below {100 * bound:.1f} % with 95 % certainty)"
