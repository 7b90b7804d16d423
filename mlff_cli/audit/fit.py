"""Whether a backbone fits a task: how well its levels tell the classes apart before training."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

from mlff_cli.audit.counts import Line
from mlff_cli.audit.separability import Separability, inputs_of, sample
from mlff_cli.features.features import Features
from mlff_cli.metrics.separability import Neighbours
from mlff_cli.tasks.experience import Experience

LOOKED_AT = 300
"""Training images of all experiences together that backbones are tried on, about."""

FEWEST = 20
"""Of a single experience, where there are many."""

NAMED = 3
"""Experiences that a sentence names."""

CLEARLY = 2.0
"""Standard errors from which a difference is told."""


@dataclass(frozen=True)
class Fit:
    """How well a backbone's levels tell the classes of experiences apart.

    Attributes:
        backbone: Its name.
        together: What nearest neighbours say by all levels together, by experience.
        levels: How often they are right by a single level, by experience and level.
    """

    backbone: str
    together: Mapping[str, Neighbours]
    levels: Mapping[str, Mapping[str, float]]

    @property
    def score(self) -> float:
        """How often nearest neighbours are right by all levels together, mean over experiences."""
        return _mean([found.score for found in self.together.values()])

    @property
    def floor(self) -> float:
        """What of that is chance."""
        return _mean([found.floor for found in self.together.values()])


def fit_of(backbone: str, features: Features, experiences: Sequence[Experience]) -> Fit:
    """Return how well a backbone tells apart what is learned; training images alone are looked at.

    Experiences of a single class tell nothing and are left out.
    """
    told = [e for e in experiences if e.learned and e.train and _differ(e)]
    limit = max(FEWEST, LOOKED_AT // max(1, len(told)))
    images = [record.image for e in told for record in sample(e.train, limit)]
    features.ensure(images, inputs_of(features))  # in one pass
    seen = {e.name: Separability.of(features, e, limit) for e in told}
    return Fit(
        backbone,
        {name: own.neighbours(own.products) for name, own in seen.items()},
        {
            name: {level: own.neighbours([level]).score for level in own.products}
            for name, own in seen.items()
        },
    )


def advantage(fit: Fit, over: Fit) -> tuple[float, float]:
    """Return how much more often one backbone is right than another, and the standard error.

    Both were tried on the same images, so that what is hard for both makes no difference.
    """
    pairs = [(found, over.together[name]) for name, found in fit.together.items()]
    gains = [Neighbours(found.right - other.right, 0.0) for found, other in pairs]
    error = sqrt(sum(gain.error**2 for gain in gains)) / max(1, len(gains))
    return _mean([gain.score for gain in gains]), error


def fit_sentences(own: Fit, others: Sequence[Fit]) -> list[str]:
    """Return in words where the backbone does not fit, and which installed one is better."""
    if not own.together:
        return []
    lost = [
        name
        for name, found in own.together.items()
        if found.score <= found.floor + CLEARLY * found.error
    ]
    lines = []
    if lost:
        named = ", ".join(f"'{name}'" for name in lost[:NAMED])
        more = f" and {len(lost) - NAMED} more" if len(lost) > NAMED else ""
        lines = [
            f"backbone: to {own.backbone} the classes of {named}{more} look alike as whole images "
            "(nearest neighbours are right no more often than by chance): expect less of them; "
            "what is small beside the image may still be learned from maps, and is seen better "
            "with a larger data.image_size"
        ]
    return [*lines, _better(own, others)]


def _better(own: Fit, others: Sequence[Fit]) -> str:
    shown = f"{_percent(own.score)}, by chance {_percent(own.floor)}"
    if not others:
        return f"backbone: nearest neighbours {shown}; no other one is installed to compare with"
    best = max(others, key=lambda other: other.score)
    gain, error = advantage(best, own)
    if gain > CLEARLY * error:
        return (
            f"backbone: {best.backbone} tells the classes apart better than {own.backbone}: "
            f"nearest neighbours {_percent(best.score)} against {shown}"
        )
    return (
        f"backbone: nearest neighbours {shown}; of {len(others)} other installed ones none is "
        f"clearly better (best: {best.backbone}, {_percent(best.score)})"
    )


def levels_lines(fit: Fit) -> list[Line]:
    """Return a line for each experience: chance, each level, all together."""
    return [
        {
            "experience": name,
            "chance": _percent(found.floor),
            **{level: _percent(score) for level, score in fit.levels[name].items()},
            "all levels": _percent(found.score),
        }
        for name, found in fit.together.items()
    ]


def backbone_lines(own: Fit, others: Sequence[Fit]) -> list[Line]:
    """Return a line for each backbone that was tried, the best first."""
    lines = []
    for fit in sorted([own, *others], key=lambda fit: -fit.score):
        gain, error = (0.0, 0.0) if fit is own else advantage(fit, own)
        shown = "" if fit is own else f"{100 * gain:+.1f} ± {100 * error:.1f}"
        lines.append(
            {
                "backbone": fit.backbone,
                "nearest neighbours": _percent(fit.score),
                f"against {own.backbone}": shown,
            }
        )
    return lines


def _differ(experience: Experience) -> bool:
    answers = (r.targets if experience.regression else r.labels for r in experience.train)
    return len(set(answers)) > 1


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else float("nan")


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
