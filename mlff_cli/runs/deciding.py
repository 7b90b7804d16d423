"""How is decided on the images of a product: what was chosen in the run, or asked for now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from mlff_cli.errors import UserError
from mlff_cli.heads.decision import Decision, set_floor, smallest_share
from mlff_cli.runs.deployed import Deployed, Product


@dataclass(frozen=True)
class DecisionSettings:
    """What a command asks for.

    Attributes:
        threshold: Instead of the one that the run chose; None: that one.
        novelty: p-value at or below which an image is unknown; None: none is.
        review: Share of images whose true class the set of classes may miss, which is looked at
            where it is no single class; None: it is not asked for.
    """

    threshold: float | None = None
    novelty: float | None = 0.01
    review: float | None = None

    @classmethod
    def of_config(
        cls, config: Mapping[str, Any], usual: "DecisionSettings | None" = None
    ) -> "DecisionSettings":
        """Return what the sections `operating_point` and `decision` of a command ask for.

        Where they say null it is as `usual`; of both shares 0 stands for none.
        """
        usual, decision = usual or cls(), config["decision"]
        threshold = config["operating_point"]["threshold"]
        novelty, review = (
            share if share is not None else before
            for share, before in (
                (decision["novelty"], usual.novelty),
                (decision["review"], usual.review),
            )
        )
        return cls(
            usual.threshold if threshold is None else threshold, novelty or None, review or None
        )


def decision_of(deployed: Deployed, product: Product, settings: DecisionSettings) -> Decision:
    """Return what decides on images of a product.

    Raises:
        UserError: A threshold is given and the product knows no good parts; or sets of classes are
            asked for and validation images are too few, or several labels may be right.
    """
    if settings.threshold is not None and product.good is None:
        raise UserError(
            f"operating_point.threshold: '{product.name}' has no class of good parts "
            f"({', '.join(product.outputs)}), so that nothing is decided; leave it away"
        )
    chosen = product.point.threshold if product.point else None
    return Decision(
        good=product.outputs.index(product.good) if product.good else None,
        has_good=product.good is not None,
        exclusive=deployed.kind == "class",
        threshold=chosen if settings.threshold is None else settings.threshold,
        novelty=settings.novelty if product.head in deployed.calibration.heads else None,
        floor=_floor(deployed, product, settings.review),
    )


def why_none_is_unknown(
    deployed: Deployed, products: Sequence[Product], settings: DecisionSettings
) -> str:
    """Return why images of some products cannot be unknown though it is asked for; "" otherwise."""
    heads = deployed.calibration.heads
    smallest = {p.name: smallest_share(heads[p.head].novelty) for p in products if p.head in heads}
    found = [p.name for p in products if smallest.get(p.name, 1.0) > (settings.novelty or 1.0)]
    if not found:
        return ""
    others = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    count = round(1 / smallest[found[0]]) - 1 if found[0] in smallest else 0
    return (
        f"nothing is called unknown of '{found[0]}'{others}: it has {count} validation images, and "
        f"decision.novelty={settings.novelty:g} needs {ceil(1 / (settings.novelty or 1.0)) - 1}"
    )


def _floor(deployed: Deployed, product: Product, share: float | None) -> float | None:
    """Return the score from which a class is in the set of classes; None: not asked for."""
    if share is None:
        return None
    known = deployed.calibration.heads.get(product.head)
    count = len(known.truths) if known else 0
    floor = set_floor(known.truths, share) if known else None
    if floor is None:
        raise UserError(
            f"decision.review={share:g}: '{product.name}' has {count} validation images of single "
            f"classes, and {ceil(1 / share) - 1} are needed to tell so small a share; "
            "give a larger one, or null"
        )
    return floor
