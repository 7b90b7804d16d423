"""What moves mlff's learning mAP and forgetting on drawn images: one change at a time.

Called by `scripts/reference parity_study` in a folder of its own; scores validation images, so that
a choice made by its figures leaves the test images unseen. Writes results.csv and results.md.
"""

import subprocess
import sys
from pathlib import Path

import pandas as pd

BASE = (
    "task=surface_defect,component_misalignment",
    "splits.scored=validation",
    "features.variations=4",
    "method.batch_size=32",
    "method.distillation=0.0",
    "method.dropout=0.5",
    "seed=0,1,2",
)
"""Where the study starts: the paper's table, but for the images that are scored and two values."""

VARIED = (
    "fusion=deepest,authors,conv1x1",
    "fusion.pooling=[mean],[mean,max],[mean,max,min],[max,min,range],[grid]",
    "fusion.width=24,48,96,144",
    "method.dropout=0.0,0.25,0.5,0.75",
    "backbone.levels=[blocks.6],[blocks.4,blocks.6],[blocks.0,blocks.1,blocks.2],"
    "[blocks.1,blocks.2,blocks.4],[]",
    "head.hidden=0,64",
    "method.learning_rate=0.001,0.005,0.01,0.02",
    "method.epochs=15,30,60",
    "method.batch_size=16,32,64",
    "method.distillation=0.0,0.1,1.0,10.0",
    "features.variations=1,2,4,8",
    "data.image_size=96,128,160,224",
    "method.distillation=0.1 method.dropout=0.5,0.75",
    "method.distillation=0.1 method.dropout=0.75 fusion.width=96,144",
)
"""What is changed against that; of the last word every value."""

FIGURES = ("learning mAP", "forgetting (mAP)")


def main() -> None:
    """Carry out a sweep for each change and write their figures into one table."""
    table = pd.concat([swept(change) for change in VARIED])
    table.to_csv("results.csv", index=False)
    Path("results.md").write_text(text(table), encoding="utf-8")


def swept(change: str) -> pd.DataFrame:
    """Return a row per scenario and value of what is changed, unrounded."""
    changed = [word.partition("=")[0] for word in change.split()]
    # Another fusion layer has other keys.
    kept = [
        w for w in BASE if not w.startswith(tuple(f"{key}{end}" for key in changed for end in "=."))
    ]
    made = Path("runs/sweeps")
    before = set(made.glob("*"))
    subprocess.run([sys.executable, "-m", "mlff_cli", "sweep", *kept, *change.split()], check=True)
    (sweep,) = set(made.glob("*")) - before
    rows = pd.read_csv(sweep / "results.csv", dtype={changed[-1]: str})
    rows = rows.rename(columns={changed[-1]: "value"})
    rows["change"] = change.rpartition("=")[0]
    spread = [f"{name} deviation" for name in FIGURES]
    return rows[["change", "value", "scenario", *FIGURES, *spread, "saving (%)"]]


def text(table: pd.DataFrame) -> str:
    """Return the table for people: a line per key and value, columns per scenario."""
    scenarios = list(table["scenario"].unique())
    names = [f"{scenario}: {name}" for scenario in scenarios for name in (*FIGURES, "saving")]
    lines = [
        f"    mlff sweep {' '.join(BASE)} <change>=<values>",
        "",
        "All else is as in the command above and in the shipped configs. Mean and standard",
        "deviation over three seeds, in percent, of validation images.",
        "",
        f"| change | value | {' | '.join(names)} |",
        f"| --- | --- |{' ---: |' * len(names)}",
    ]
    for (change, value), rows in table.groupby(["change", "value"], sort=False):
        by_scenario = rows.set_index("scenario")
        cells = []
        for scenario in scenarios:
            row = by_scenario.loc[scenario]
            cells += [f"{100 * row[n]:.1f} ± {100 * row[f'{n} deviation']:.1f}" for n in FIGURES]
            cells.append(f"{row['saving (%)']:.1f}")
        lines.append(f"| {change} | {value} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
