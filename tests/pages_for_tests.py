"""A page of a run that never was."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image
from predictions_for_tests import predictions

from mlff_cli.metrics.registry import by_file
from mlff_cli.results.experience_figures import figures_of
from mlff_cli.results.matrix import ScoreMatrix
from mlff_cli.results.operating_points import choose
from mlff_cli.results.page.gallery import WorstImage
from mlff_cli.results.page.page import RunPage
from mlff_cli.results.predictions import Predictions
from mlff_cli.results.table import Column, Table

AWKWARD = ("<b>steel</b> & 'tin'", "鋼板 🔩")
"""Names of experiences."""


def scored(
    experience: str,
    count: int = 60,
    *,
    split: str = "test",
    seed: int = 0,
    outputs: Sequence[str] = ("good", "<i>scratch", "pit"),
) -> Predictions:
    """Return noisy predictions, every other image good."""
    random = np.random.default_rng(seed)
    truths = ["g", "<", "g", "p"] * (count // 4)
    scores = random.random((len(truths), 3)).astype(np.float32)
    scores += 0.4 * np.array([[c == k for k in "g<p"] for c in truths])
    scores /= scores.sum(axis=1, keepdims=True)
    return predictions(
        truths, scores, outputs=outputs, experience=experience, split=split,
        images=[f"<img src=x onerror=alert({seed})>/{place}.png" for place in range(len(truths))],
    )  # fmt: skip


def run_page_of(
    count: int = 60, worst: int = 24, names: Sequence[str] = AWKWARD, **facts: Any
) -> RunPage:
    """Return what the page of a run with awkward names shows."""
    parts = [scored(name, count, seed=seed) for seed, name in enumerate(names)]
    metrics = [by_file("accuracy"), by_file("mean_average_precision")]
    matrix = ScoreMatrix(names, learned=len(names))
    for trained in range(len(names) + 1):
        for place, part in enumerate(parts, start=1):
            value = 0.05 if trained == 0 else metrics[0].function(part.scores, part.targets)
            matrix.add(trained, place, "accuracy", value=value, n=len(part))
    validation = [scored(name, split="validation", seed=9) for name in names]
    points = [
        (choose(part.experience, [own], "good", "max_escape", 0.02), part)
        for part, own in zip(parts, validation, strict=True)
    ]
    known: dict[str, Any] = {
        "title": "A <task>",
        "lead": "mlff on a backbone",
        "results": Table("", [Column("method")], [{"method": "mlff"}]),
        "matrix": matrix,
        "scored": parts,
        "figures": {p.experience: figures_of(p, metrics, ("good",), "good") for p in parts},
        "points": points,
        "leaks": "split: no near-duplicates",
        "leaking": False,
        "skipped": [("<a>.png", "is empty")],
        "worst": [worst_image(place) for place in range(worst)],
        "provenance": {"command": "mlff train a='<b>'"},
        "config": "data:\n  root: <there>\n",
    }
    return RunPage(**(known | facts))


def worst_image(place: int) -> WorstImage:
    """Return noise that was taken for something else."""
    random = np.random.default_rng(place)
    pixels = random.integers(0, 255, (120, 160, 3), dtype=np.uint8)
    glow = random.integers(0, 200, (8, 8, 4), dtype=np.uint8)
    return WorstImage(
        encoded(Image.fromarray(pixels), "jpeg"), encoded(Image.fromarray(glow), "png"),
        f"<{place}>.png", AWKWARD[0], "good", "<i>scratch", "<i>scratch",
    )  # fmt: skip


def encoded(image: Image.Image, kind: str) -> bytes:
    """Return an image as a file's bytes."""
    content = io.BytesIO()
    image.save(content, kind)
    return content.getvalue()
