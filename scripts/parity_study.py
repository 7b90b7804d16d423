"""What moves mlff's learning mAP and forgetting on drawn images: one key at a time.

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
    "features.views=4",
    "method.batch_size=32",
    "seed=0,1,2",
)
"""What the paper's table uses, but for the images that are scored."""

VARIED = {
    "fusion": "deepest,authors,conv1x1",
    "fusion.statistics": "[mean],[mean,max],[mean,max,min],[max,min,range],[grid]",
    "fusion.width": "24,48,96,144",
    "fusion.dropout": "0,0.25,0.5,0.75",
    "backbone.levels": "[blocks.6],[blocks.4,blocks.6],[blocks.0,blocks.1,blocks.2],"
    "[blocks.1,blocks.2,blocks.4],[]",
    "head.hidden": "0,64",
    "method.learning_rate": "0.001,0.005,0.01,0.02",
    "method.epochs": "15,30,60",
    "method.batch_size": "16,32,64",
    "method.distillation": "0,0.1,1,10",
    "features.views": "1,2,4,8",
    "data.image_size": "96,128,160,224",
}
"""Keys and their values."""

FIGURES = ("learning mAP", "forgetting (mAP)")


def main() -> None:
    """Carry out a sweep per key and write their figures into one table."""
    table = pd.concat([swept(key, values) for key, values in VARIED.items()])
    table.to_csv("results.csv", index=False)
    Path("results.md").write_text(text(table), encoding="utf-8")


def swept(key: str, values: str) -> pd.DataFrame:
    """Return a row per scenario and value of a key, unrounded."""
    words = [word for word in BASE if not word.startswith(f"{key}=")] + [f"{key}={values}"]
    made = Path("runs/sweeps")
    before = set(made.glob("*"))
    subprocess.run([sys.executable, "-m", "mlff_cli", "sweep", *words], check=True)
    (sweep,) = set(made.glob("*")) - before
    rows = pd.read_csv(sweep / "results.csv", dtype={key: str})
    rows = rows.rename(columns={key: "value"}).assign(key=key)
    spread = [f"{name} deviation" for name in FIGURES]
    return rows[["key", "value", "scenario", *FIGURES, *spread, "saving (%)"]]


def text(table: pd.DataFrame) -> str:
    """Return the table for people: a line per key and value, columns per scenario."""
    scenarios = list(table["scenario"].unique())
    names = [f"{scenario}: {name}" for scenario in scenarios for name in (*FIGURES, "saving")]
    lines = [
        f"    mlff sweep {' '.join(BASE)} <key>=<values>",
        "",
        "One key at a time, the others as in the command above and in the shipped configs.",
        "Mean and standard deviation over three seeds, in percent, of validation images.",
        "",
        f"| key | value | {' | '.join(names)} |",
        f"| --- | --- |{' ---: |' * len(names)}",
    ]
    for (key, value), rows in table.groupby(["key", "value"], sort=False):
        by_scenario = rows.set_index("scenario")
        cells = []
        for scenario in scenarios:
            row = by_scenario.loc[scenario]
            cells += [f"{100 * row[n]:.1f} ± {100 * row[f'{n} deviation']:.1f}" for n in FIGURES]
            cells.append(f"{row['saving (%)']:.1f}")
        lines.append(f"| {key} | {value} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
