"""Do scores depend on what computes features? Every task, learned and scored with each engine.

Called by `scripts/reference engines <data>` in a folder of its own, where `data` is the folder of
the real images. Words behind the name go to every run, for a trial. Writes results.csv after each
run and results.md; called anew in the same folder it repeats no finished run.
"""

import subprocess
import sys
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import pandas as pd

ENGINES = ("torch", "onnxruntime", "openvino")

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

MAP = "mAP"


def main() -> None:
    """Train every task with each engine and write one table."""
    rows = []
    for (task, words), engine in product(TASKS.items(), ENGINES):
        print("==", task, engine, flush=True)
        final = scores([f"task={task}", *words.split(), f"backbone.engine={engine}", *sys.argv[1:]])
        rows.append(final.assign(task=task, engine=engine))
        table = pd.concat(rows)
        table.to_csv("results.csv", index=False)
        Path("results.md").write_text(text(table, sys.argv[1:]), encoding="utf-8")


def scores(words: Sequence[str]) -> pd.DataFrame:
    """Return the scores on test images after the last experience; as they are, unrounded."""
    command = [sys.executable, "-m", "mlff_cli", "train", *words]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    matrix = pd.read_csv(Path(done.stdout.strip().rpartition("\n")[2]).with_name("matrix.csv"))
    last = matrix[matrix["experience_trained"] == matrix["experience_trained"].max()]
    return last[last["metric"].isin([MAP, "mae"])][["name_scored", "metric", "value"]]


def text(table: pd.DataFrame, words: Sequence[str]) -> str:
    """Return the tables for people: a line per task, a column per engine."""
    return "\n".join(
        [
            "# One engine or another",
            "",
            f"    scripts/reference engines <data>{''.join(f' {word}' for word in words)}",
            "",
            "Each task learned and scored with each engine, seed 0, test images, after the last",
            "experience. In brackets the largest difference of a single experience.",
            "",
            "## Final mAP, percent, and the differences from torch",
            "",
            *compared(table[table["metric"] == MAP], 100.0, "points"),
            "",
            "## Final mean absolute error, and the differences from torch",
            "",
            *compared(table[table["metric"] != MAP], 1.0, "units of the number"),
            "",
        ]
    )


def compared(table: pd.DataFrame, scale: float, unit: str) -> list[str]:
    """Return how far every engine is from the first, on each task."""
    first, *others = ENGINES
    lines = [
        f"| task | {first} | {' | '.join(f'{name}, {unit}' for name in others)} |",
        f"| --- | ---: |{' ---: |' * len(others)}",
    ]
    for task, own in table.groupby("task", sort=False):
        columns = own.pivot(index="name_scored", columns="engine", values="value") * scale
        cells = [f"{columns[first].mean():.3f}"]
        for name in others:
            if name in columns:
                apart = columns[name] - columns[first]
                cells.append(f"{apart.mean():+.3f} ({apart.abs().max():.3f})")
            else:
                cells.append("")
        lines.append(f"| {task} | {' | '.join(cells)} |")
    return lines


if __name__ == "__main__":
    main()
