"""The thresholds of a run, chosen on its validation images when all is learned."""

from collections.abc import Mapping, Sequence
from typing import Any

from mlff_cli.methods.base import Method
from mlff_cli.results.labels import plain
from mlff_cli.results.operating_points import OperatingPoint, choose
from mlff_cli.results.predictions import good_class
from mlff_cli.runs.building import build_scorer
from mlff_cli.runs.final_scores import limit
from mlff_cli.runs.prediction_log import PredictionLog
from mlff_cli.runs.scoring import is_readable
from mlff_cli.tasks.experience import Experience


def chosen_points(
    config: Mapping[str, Any],
    experiences: Sequence[Experience],
    method: Method,
    learned: int,
    predictions: PredictionLog,
    *,
    good_classes: Sequence[str],
    kept: Mapping[str, OperatingPoint],
) -> tuple[OperatingPoint, ...]:
    """Score the validation images of experiences with good parts; choose a threshold for each.

    Those `kept`, of heads in which nothing changed, stay as they are; where a head has changed and
    the images are not at hand, there is none any more. An experience without validation images, one
    that is never trained on, takes those of all that share its head. Where validation images are
    what is scored none are left to choose on.
    """
    if config["splits"]["scored"] == "validation":
        return ()
    good = {
        e.name: name
        for e in experiences
        if is_readable(method, e, "validation")
        and (name := good_class(good_classes, method.heads[e.head], predictions.kind)) is not None
    }
    scorer = build_scorer(config, "validation")
    stay = {e.name: kept[plain(e.name)] for e in experiences if plain(e.name) in kept}
    validated = [e for e in experiences if e.name in good and e.validation]
    scored = [(e, scorer(method, e)) for e in validated]
    predictions.add(learned, "validation", scored)
    own = {e.name: predictions.of(e, scores, learned, "validation") for e, scores in scored}
    limited, most = limit(config["operating_point"])
    points = []
    for e in experiences:
        if e.name in stay:
            points.append(stay[e.name])
        elif e.name in good:
            pool = [own[other.name] for other in validated if other.head == e.head]
            chosen_on = [own[e.name]] if e.name in own else pool
            points.append(choose(plain(e.name), chosen_on, good[e.name], limited, most))
    return tuple(points)
