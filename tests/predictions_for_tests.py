"""Predictions of images that never were."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from mlff_cli.results.predictions import Predictions

CLASSES = ("good", "scratch", "pit")


def predictions(
    truths: Sequence[str] = "ggsp",
    scores: ArrayLike | None = None,
    *,
    kind: Any = "class",
    outputs: Sequence[str] = CLASSES,
    **facts: Any,
) -> Predictions:
    """Return predictions of images whose truths are told by first letters; right ones by default.

    Labels of one image are written together: "s", "sp", "-" for none.
    """
    letters = {name[0]: name for name in outputs}
    told = [tuple(letters[c] for c in text if c != "-") for text in truths]
    if scores is None:
        scores = [[0.8 if name in truth else 0.1 for name in outputs] for truth in told]
    count = len(told)
    known: dict[str, Any] = {
        "experience": "steel",
        "trained": 1,
        "split": "test",
        "images": [f"{place}.png" for place in range(count)],
        "contents": [f"{place:016x}" for place in range(count)],
        "groups": [""] * count,
    }
    array = np.array(scores, np.float32).reshape(count, len(outputs))
    return Predictions(
        **(known | facts), kind=kind, outputs=tuple(outputs), truths=told, scores=array
    )


def numbers(targets: Sequence[Sequence[float]], outputs: ArrayLike, **facts: Any) -> Predictions:
    """Return predictions of numbers."""
    empty = predictions([], kind="numbers", outputs=("dx",))
    rows = [tuple(map(repr, row)) for row in targets]
    return Predictions(
        **{
            **vars(empty),
            "images": [f"{place}.png" for place in range(len(rows))],
            "contents": ["0" * 16] * len(rows),
            "groups": [""] * len(rows),
            "truths": rows,
            "scores": np.array(outputs, np.float32),
            **facts,
        }
    )
