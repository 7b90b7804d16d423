"""Do scores depend on what computes features? Every task with each engine.

Called by `scripts/reference engines <data>` in a folder of its own, where `data` is the folder of
the real images. Words behind the name go to every run, for a trial. Writes results.csv and
results.md after each task; called anew in the same folder it repeats no finished run. Two ways:

- the same layers: what was learned on torch's features reads those of another engine;
- learned anew: the whole run with another engine, as a user would.
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from modalities import trained

from mlff_cli.runs.building import build_method, build_scorer
from mlff_cli.runs.listing import listing_of
from mlff_cli.runs.reopen import OpenRun

FIRST, *OTHERS = ENGINES = ("torch", "onnxruntime", "openvino")

TASKS = {
    "surface_defect": "",
    "surface_defect_real": "paths.data=data",
    "component_misalignment": "",
    "component_misalignment_real": "paths.data=data",
    "solar_cells": "",
    "cross_product_metal": "",
    "cross_product_fabric": "",
    "cross_product_mono": "",
    "cross_product_poly": "",
    "many_products": "data.products=20",
    "component_offsets": "",
    "surface_roughness": "",
}
"""All tasks that are shipped, by name, and what they need; of many products the first twenty."""

SAME, ANEW = "the same layers", "learned anew"
METRICS = {"mAP": 100.0, "mae": 1.0}
"""What a task is judged by -> what it is told in."""


def main(words: Sequence[str]) -> None:
    """Take every task with each engine and write one table."""
    rows: list[dict[str, Any]] = []
    for task, own in TASKS.items():
        for row in compared([f"task={task}", *own.split(), *words]):
            rows.append({"task": task} | row)
            print(rows[-1], flush=True)
        table = pd.DataFrame(rows)
        table.to_csv("results.csv", index=False)
        Path("results.md").write_text(text(table, words), encoding="utf-8")


def compared(words: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield the final score of each experience of a task: engine by engine, way by way."""
    runs = {engine: trained([*words, f"backbone.engine={engine}"]) for engine in ENGINES}
    for engine, run in runs.items():
        for way, values in ((SAME, read_by(runs[FIRST], engine)), (ANEW, read_by(run, engine))):
            for experience, value in values.items():
                metric = next(name for name in METRICS if name in value)
                known = {"way": way, "engine": engine, "experience": experience}
                yield known | {"metric": metric, "value": value[metric]}


def read_by(run: OpenRun, engine: str) -> dict[str, dict[str, float]]:
    """Return a run's scores of test images by experience, their features those of an engine."""
    config = {**run.config, "backbone": {**run.config["backbone"], "engine": engine}}
    method = build_method(config, listing_of(config))
    method.load(run.method.state())
    scorer = build_scorer(config, "test")
    return {e.name: dict(scorer(method, e).values) for e in run.task.experiences}


def text(table: pd.DataFrame, words: Sequence[str]) -> str:
    """Return the table for people: a line per task, two columns per engine."""
    columns = [f"{name}, {way}" for name in OTHERS for way in (SAME, ANEW)]
    lines = [
        "# One engine or another",
        "",
        f"    scripts/reference engines <data>{''.join(f' {word}' for word in words)}",
        "",
        f"| task | {FIRST} | {' | '.join(columns)} |",
        f"| --- | ---: |{' ---: |' * len(columns)}",
        *(line(str(task), rows) for task, rows in table.groupby("task", sort=False)),
        "",
        f"Final mAP on test images, percent, of {FIRST}, and the differences from it in points; of",
        "numbers the mean absolute error. In brackets the largest difference of one experience.",
        f"{SAME.capitalize()}: learned on {FIRST}'s features, they read those of the other engine.",
        f"{ANEW.capitalize()}: the whole run with the other engine. Seed 0.",
    ]
    return "\n".join(lines) + "\n"


def line(task: str, rows: pd.DataFrame) -> str:
    """Return the line of a task."""
    scale = METRICS[rows["metric"].iloc[0]]
    values = rows.assign(value=rows["value"] * scale).pivot_table(
        index="experience", columns=["engine", "way"], values="value"
    )
    first = values[FIRST, ANEW]
    cells = [f"{first.mean():.3f}"]
    for engine in OTHERS:
        for way in (SAME, ANEW):
            apart = values[engine, way] - first
            cells.append(f"{apart.mean():+.3f} ({apart.abs().max():.3f})")
    return f"| {task} | {' | '.join(cells)} |"


if __name__ == "__main__":
    main(sys.argv[1:])
