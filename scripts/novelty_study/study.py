"""Is a kind of defect noticed that nobody trained on? Each defect class is left out in turn.

Called by `scripts/reference novelty <data>` in a folder of its own, where `data` is the folder of
the real images. Writes results.csv and results.md; what runs say is kept under answers/, such that
other ways of telling cost no training.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from answers import DATA, LEFT_OUT, Images, Part, parts
from pages import MAX_ESCAPE, MAX_OVERKILL, text
from ways import ON_VALIDATION, WAYS, Distances

from mlff_cli.metrics.operating_point import threshold_for_escape, threshold_for_overkill
from mlff_cli.metrics.ranking import auroc
from mlff_cli.results.operating_points import DEFAULT_ESCAPE

SHARE = 0.01
"""Of good parts that may be held back."""


def main() -> None:
    """Measure all ways on all data and write one table."""
    torch.set_num_threads(1)
    table = pd.DataFrame([row for data in DATA for part in parts(data) for row in rows(part)])
    table.to_csv("results.csv", index=False, float_format="%.4g")
    Path("results.md").write_text(text(table), encoding="utf-8")


def rows(part: Part) -> Iterator[dict[str, object]]:
    """Yield the figures of each way, on images that settings are chosen on and on test images."""
    never_trained_on = unknown_of(part.images["train"]) + unknown_of(part.images["validation"])
    tried = part.known("validation") + never_trained_on
    for way, make in WAYS.items():
        if (distances := make(part)) is None:
            continue
        named = {"data": part.data, "seed": part.seed, "product": part.product,
                 "left out": part.left_out, "way": way}  # fmt: skip
        test = part.images["test"]
        if way == ON_VALIDATION:  # nothing is left to take a limit from
            yield named | {"images": "test"} | ranked(part, distances, test)
            continue
        yield named | {"images": "validation"} | figures(part, distances, tried)
        yield named | {"images": "test"} | figures(part, distances, test)


def unknown_of(images: Images) -> Images:
    """Return those of the class that was left out."""
    return images[images.classes.eq(LEFT_OUT)]


def ranked(part: Part, distances: Distances, images: Images) -> dict[str, float]:
    """Return how well the class left out is told from known classes, and from good parts."""
    unknown = images.classes.eq(LEFT_OUT).numpy()
    nearest = distances(images).amin(dim=1).numpy()
    found = {"unknown": int(unknown.sum()), "AUROC known": auroc(nearest, unknown)}
    if part.good is None:
        return found
    kept = unknown | images.classes.eq(part.good).numpy()
    return found | {"AUROC good": auroc(nearest[kept], unknown[kept])}


def figures(part: Part, distances: Distances, images: Images) -> dict[str, float]:
    """Return what is told of some images, the class left out among them."""
    found = ranked(part, distances, images)
    if (place := part.good) is None:
        return found
    unknown = images.classes.eq(LEFT_OUT).numpy()
    good = images.classes.eq(place).numpy()
    sent = of_named(distances, images) >= limit(part, place, distances)
    found |= {"good": int(good.sum()), "good sent": sent[good].mean(),
              "unknown sent": sent[unknown].mean()}  # fmt: skip
    for name, threshold in thresholds(part, place).items():
        defective = defect_scores(images, place) >= threshold
        for kind, chosen in (("good", good), ("unknown", unknown)):
            found[f"{name}: {kind} called defective"] = defective[chosen].mean()
            found[f"{name}: {kind} not called good"] = (sent | defective)[chosen].mean()
    return found


def of_named(distances: Distances, images: Images) -> NDArray[np.float64]:
    """Return the distance to the class that the head names: where it is large, there is review."""
    own = distances(images)
    if own.shape[1] > 1:
        own = own.gather(1, images.scores.argmax(dim=1, keepdim=True))
    return own[:, 0].double().numpy()


def limit(part: Part, place: int, distances: Distances) -> float:
    """Return the distance that no larger share of good parts than `SHARE` should reach."""
    validation = part.known("validation")
    good = np.sort(of_named(distances, validation[validation.classes.eq(place)]))
    allowed = int(SHARE * (len(good) + 1))
    return float(good[-allowed]) if allowed else float("inf")


def thresholds(part: Part, place: int) -> dict[str, float]:
    """Return the head's thresholds as a run chooses them, by what was asked for."""
    validation = part.known("validation")
    scores = defect_scores(validation, place)
    defective = validation.classes.ne(place).numpy()
    return {
        MAX_ESCAPE: threshold_for_escape(scores, defective, DEFAULT_ESCAPE),
        MAX_OVERKILL: threshold_for_overkill(scores, defective, SHARE),
    }


def defect_scores(images: Images, place: int) -> NDArray[np.float64]:
    """Return how surely each image is defective."""
    scores: Tensor = images.scores.double()
    found: NDArray[np.float64] = 1 - scores[:, place].numpy()
    return found


if __name__ == "__main__":
    main()
