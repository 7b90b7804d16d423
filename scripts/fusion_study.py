"""What the defaults of `mlff` follow from: one change at a time, on validation images of all tasks.

Called by `scripts/reference fusion_study <data>` in a folder of its own, where `data` is the folder
of the real images. Test images stay unseen; products that are never trained on are of drawings that
no table shows (`data.generator_seed=1`), since all their images are scored. Writes results.csv and
results.md. Called anew in the same folder it repeats no finished run.
"""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

import pandas as pd

BASE = (
    "splits.scored=validation",
    "seed=0,1,2",
    "features.variations=4",
    "fusion=local",
    "fusion.stride=16",
    "fusion.width=96",
    "fusion.layers=2",
    "fusion.pooled=[mean]",
    "fusion.pooled_width=16",
    "fusion.shared=auto",
    "method.epochs=20",
    "method.batch_size=32",
    "method.learning_rate=0.003",
    "method.weight_decay=0.05",
    "method.dropout=0.5",
    "method.distillation=0.1",
    "method.rehearsal=10",
)
"""Where the study stands: the defaults, in full, and the images that are scored."""

REAL = "paths.data=data data.image_size=96"
TASKS = {
    "real products": f"task=surface_defect_real {REAL}",
    "real batches": f"task=component_misalignment_real {REAL}",
    "real cells, one kind": "task=cross_product_poly,cross_product_mono data.image_size=96",
    "real cells, 224 px": "task=solar_cells",
    "drawn products": "task=surface_defect",
    "drawn batches": "task=component_misalignment",
    "drawn unseen": (
        "task=cross_product,cross_product_fabric,cross_product_metal data.generator_seed=1"
    ),
    "drawn classes": "task=surface_defect schedule=by_class",
}
"""What a change is tried on, by the name of its column."""

LINEAR = "fusion=conv1x1 method.epochs=30 method.learning_rate=0.005 method.dropout=0.75"
ALL = tuple(TASKS)
DRAWN = ("drawn products", "drawn batches")
BATCHES = ("real batches", "drawn batches")
SOME = ("real batches", "real cells, one kind", *DRAWN)

CHANGES: Sequence[tuple[str, Sequence[str]]] = (
    ("", ALL),
    (f"{LINEAR} fusion.shared=true method.rehearsal=0", ALL),
    ("method=linear_probe", ALL),
    ("method=closed_form", ALL),
    ("fusion.pooled=[]", (*SOME, "drawn unseen")),
    ("fusion.stride=8", SOME),
    ("fusion.width=64", DRAWN),
    ("fusion.width=192", DRAWN),
    ("features.variations=1", SOME),
    ("features.variations=2", SOME),
    ("method.dropout=0.25", SOME),
    ("method.dropout=0.75", SOME),
    ("method.epochs=10", SOME),
    ("method.epochs=60", ("drawn batches",)),
    ("method.rehearsal=0", (*BATCHES, "drawn classes")),
    ("method.rehearsal=20", BATCHES),
    ("method.distillation=0.0", BATCHES),
    ("fusion.shared=true", ("drawn products",)),
    ("fusion.layers=1", DRAWN),
)
"""What is changed against the base, and the tasks that it is tried on."""

FIGURES = {"drawn unseen": ("unseen mAP",), "drawn classes": ("final mAP (all classes)",)}
"""What a column shows where that is not what is learned and what is left of it at the end."""
LEARNED = ("learning mAP", "final mAP")
COSTS = ("trainable parameters", "training seconds per experience")


def main() -> None:
    """Carry out the sweeps and write their figures into one table."""
    table = pd.concat([swept(change, name) for change, tasks in CHANGES for name in tasks])
    table.to_csv("results.csv", index=False)
    Path("results.md").write_text(text(table), encoding="utf-8")


def swept(change: str, name: str) -> pd.DataFrame:
    """Return a row per scenario of a task, unrounded, as a change leaves it."""
    words = [*TASKS[name].split(), *unchanged(change), *change.split()]
    print("==", name, change or "base", flush=True)
    done = subprocess.run(
        [sys.executable, "-m", "mlff_cli", "sweep", *words, "trainer.processes=1"],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    page = next(
        line for line in reversed(done.stdout.splitlines()) if line.startswith("runs/sweeps/")
    )
    found = pd.read_csv(Path(page).with_name("results.csv"))
    return found.assign(column=name, change=change or "base")


def unchanged(change: str) -> list[str]:
    """Return the words of the base that a change leaves as they are."""
    keys = [word.partition("=")[0] for word in change.split()]
    if any(word.startswith("method=") for word in change.split()):
        keys += ["fusion"]  # such a method chooses its own, and trains in its own way
    # Another choice of a group has other keys.
    changed = tuple(f"{key}{end}" for key in keys for end in "=.")
    return [word for word in BASE if not word.startswith(changed)]


def text(table: pd.DataFrame) -> str:
    """Return the table for people: a line per change, a column per task."""
    names = [name for name in TASKS if name in set(table["column"])]
    lines = [
        f"    mlff sweep <task> {' '.join(BASE)} <change>",
        "",
        "Validation images; mean over three seeds (and over the tasks of a column, where they are",
        "several) ± standard deviation over the seeds (its mean over these tasks), in percent:",
        "learning mAP / final mAP; of drawn unseen the mAP of the product never trained on; of",
        "drawn classes the final mAP over all classes. Parameters and seconds per experience are",
        "those on drawn products.",
        "",
        *(f"- {name}: `{words}`" for name, words in TASKS.items()),
        "",
        f"| change | {' | '.join(names)} | parameters | seconds |",
        f"| --- |{' ---: |' * (len(names) + 2)}",
    ]
    for change, rows in table.groupby("change", sort=False):
        cells = [cell(rows[rows["column"] == name], name) for name in names]
        costs = rows[rows["column"] == "drawn products"][list(COSTS)].itertuples(index=False)
        cells += next(([f"{count:,.0f}", f"{seconds:.1f}"] for count, seconds in costs), ["", ""])
        lines.append(f"| {change} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def cell(rows: pd.DataFrame, name: str) -> str:
    """Return the figures of a column's tasks, averaged over them; blank where there are none."""
    if rows.empty:
        return ""
    return " / ".join(
        f"{100 * fmean(rows[title]):.1f} ± {100 * fmean(rows[f'{title} deviation']):.1f}"
        for title in FIGURES.get(name, LEARNED)
    )


if __name__ == "__main__":
    main()
