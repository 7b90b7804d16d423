"""Numbers learned from images: levels fused against the deepest alone, with error and interval.

Called by `scripts/reference roughness` in a folder of its own. Writes results.csv and results.md:
the roughness of ground steel and the offsets of components, five batches in turn on one shared
head, by several fusion layers, three seeds. Called anew in the same folder it repeats no finished
run. `--quick` tries it all out on small images and measures nothing.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mlff_cli import train
from mlff_cli.metrics.intervals import percentiles, resampled
from mlff_cli.results.predictions_file import read
from mlff_cli.results.tables import matrix_figures
from mlff_cli.runs.folder import PREDICTIONS, RunFolder

TASKS = {
    "surface_roughness": "Roughness of ground steel",
    "component_offsets": "Offsets of a component",
}
WAYS = {
    "local, all levels": ("fusion=local",),
    "local, all levels, no exemplars": ("fusion=local", "method.rehearsal=0"),
    "local, deepest level": ("fusion=local", "backbone.levels=[blocks.6]"),
    "conv1x1, all levels": ("fusion=conv1x1",),
    "conv1x1, deepest level": ("fusion=conv1x1", "backbone.levels=[blocks.6]"),
    "conv1x1_grid, all levels": ("fusion=conv1x1_grid",),
    "deepest": ("fusion=deepest",),
}
"""What is compared, and the words of each; all else is as the task has it."""

SEEDS = (0, 1, 2)
QUICK = ("data.image_size=32", "data.images_per_class=8", "method.epochs=2")
FIGURES = {"learning": "learning", "final": "final average", "forgetting": "forgetting"}


def main(quick: bool) -> None:
    """Measure every task and way; write what is there after each, so that one can look."""
    rows: list[dict[str, Any]] = []
    errors: list[pd.DataFrame] = []
    for task in TASKS:
        for way, words in WAYS.items():
            for seed in SEEDS[: 1 if quick else None]:
                run = train(f"task={task}", *words, f"seed={seed}", *(QUICK if quick else ()))
                known: dict[str, Any] = {"task": task, "way": way, "seed": seed}
                rows += [known | figures for figures in figures_of(RunFolder(run.folder))]
                errors.append(errors_of(RunFolder(run.folder)).assign(**known))
                print(rows[-1], flush=True)
            write(pd.DataFrame(rows), pd.concat(errors))


def figures_of(run: RunFolder) -> Iterator[dict[str, Any]]:
    """Yield the figures of each target, in its unit."""
    matrix = run.matrix()
    for name in matrix.metrics:
        metric, _, target = name.partition(" ")
        if target:
            found = matrix_figures(matrix, name)
            values = {title: found[figure].value for title, figure in FIGURES.items()}
            yield {"target": target, "metric": metric, **values}


def errors_of(run: RunFolder) -> pd.DataFrame:
    """Return the final error of each test image, and that of the training median as the answer."""
    found = []
    medians = run.record().answers
    for scored in read(run.path / PREDICTIONS, "numbers", run.matrix().learned, "test"):
        for place, target in enumerate(scored.outputs):
            truths = scored.targets[:, place]
            errors = {
                "error": np.abs(scored.scores[:, place] - truths),
                "floor": np.abs(float(medians[scored.experience][place]) - truths),
            }
            found.append(pd.DataFrame({"target": target, "image": scored.images, **errors}))
    return pd.concat(found)


def write(rows: pd.DataFrame, errors: pd.DataFrame) -> None:
    """Write the figures of every run, and the table of means over seeds."""
    rows.to_csv("results.csv", index=False)
    lines = [
        "# Numbers: levels fused against the deepest alone",
        "",
        "    scripts/reference roughness",
    ]
    for (task, target), own in rows.groupby(["task", "target"], sort=False):
        same = (errors["task"] == task) & (errors["target"] == target)
        lines += ["", f"## {TASKS[str(task)]}: {target}", "", *table(own, errors[same])]
    seeds = ", ".join(map(str, sorted(set(rows["seed"]))))
    lines += [
        "",
        "Mean absolute errors in the unit that the target is named with, over five batches; mean ±",
        f"standard deviation over seeds {seeds}. Final: after the last batch; in brackets the 95 %",
        "interval of the mean by bootstrap over test images. Forgetting: how much the error of an",
        "earlier batch is above its lowest one before; below 0 it still fell. The floor is the",
        "median of a batch's training images as the answer for each of its test images.",
    ]
    Path("results.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def table(rows: pd.DataFrame, errors: pd.DataFrame) -> list[str]:
    """Return the lines of one target: a way each, then the floor."""
    lines = [
        "| way | learning | final | 95 % | forgetting |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for way, own in rows.groupby("way", sort=False):
        learning, final, forgetting = (spread(own[title]) for title in FIGURES)
        interval = interval_of(errors[errors["way"] == way], "error")
        lines.append(f"| {way} | {learning} | {final} | {interval} | {forgetting} |")
    first = errors[errors["way"] == errors["way"].iloc[0]]
    floors = first.groupby("seed")["floor"].mean()
    return [*lines, f"| floor: the median | | {spread(floors)} | {interval_of(first, 'floor')} | |"]


def spread(values: pd.Series) -> str:
    """Return mean and standard deviation over seeds, in as many digits as they need."""
    digits = 3 if values.abs().mean() < 1 else 2
    if len(values) == 1:
        return f"{values.mean():.{digits}f}"
    return f"{values.mean():.{digits}f} ± {values.std():.{digits}f}"


def interval_of(errors: pd.DataFrame, column: str) -> str:
    """Return the interval of a mean error; an image that several seeds test counts as one."""
    values = errors.groupby("image")[column].mean().to_numpy()
    weights = resampled([""] * len(values))
    low, high = percentiles(weights @ values / weights.sum(axis=1))
    digits = 3 if high < 1 else 2
    return f"{low:.{digits}f} to {high:.{digits}f}"


if __name__ == "__main__":
    main("--quick" in sys.argv[1:])
