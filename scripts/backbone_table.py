"""Which backbone for which images? All of them on all real tasks, and what each costs.

Called by `scripts/reference backbones <data>` in a folder of its own, where `data` is the folder of
the real images. Words behind the name replace those of the table, for a trial: `seed=0`. Writes
results.csv, costs.csv and results.md, anew after each sweep; called again in the same folder it
repeats no finished run. A backbone whose weights are not here is left out, and the table says so.
"""

import math
import subprocess
import sys
import time
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import pandas as pd
import torch

from mlff_cli.backbones.levels import sides
from mlff_cli.config.composition import compose_config
from mlff_cli.config.shipped import choices
from mlff_cli.errors import UserError
from mlff_cli.features.engines import engine_for
from mlff_cli.features.pooling import standard_inputs
from mlff_cli.features.store.maintenance import list_spaces
from mlff_cli.methods.frozen import FrozenMethod
from mlff_cli.runs.building import build_method
from mlff_cli.system.device import Device

ANY = "timm"
"""The name for every other network, which this table cannot try."""

BASE = (
    "method=mlff,linear_probe",
    "seed=0,1,2",
    # A multiple of 14 and of 16, the patches of transformers.
    "data.image_size=112",
    "paths.data=data",
)

TASKS = {
    "real products": "surface_defect_real",
    "real batches": "component_misalignment_real",
    "solar cells": "solar_cells",
    "unseen mono cells": "cross_product_mono",
    "unseen poly cells": "cross_product_poly",
}
"""What is learned, by the name of its column."""

UNSEEN = ("unseen mono cells", "unseen poly cells")
BATCHES = "real batches"

LEARNING, FORGETTING, NEVER_SEEN = "learning mAP", "forgetting (mAP)", "unseen mAP"

IMAGES, PASSES = 16, 5


def main() -> None:
    """Carry out the sweeps and write their figures into one table."""
    words = [*unchanged(sys.argv[1:]), *sys.argv[1:]]
    backbones, missing = there(words)
    costs = pd.DataFrame([cost(name, words) for name in backbones])
    rows: list[pd.DataFrame] = []
    for (column, task), name in product(TASKS.items(), backbones):
        rows.append(swept(column, task, name, words))
        table = pd.concat(rows)
        table.to_csv("results.csv", index=False)
        stored = costs.assign(bytes_per_image=[kept(name) for name in costs["backbone"]])
        stored.to_csv("costs.csv", index=False)
        Path("results.md").write_text(text(table, stored, missing, words), encoding="utf-8")


def unchanged(given: Sequence[str]) -> list[str]:
    """Return the words of the base that others leave as they are."""
    keys = {word.partition("=")[0] for word in given}
    return [word for word in BASE if word.partition("=")[0] not in keys]


def there(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the backbones whose weights are here or can be fetched, and those that are not."""
    found, missing = [], []
    for name in choices("backbone"):
        if name == ANY:
            continue
        try:
            assert built(name, words).context.features.recipe.fingerprint
            found.append(name)
        except UserError as error:
            print("==", name, "is left out:", error, flush=True)
            missing.append(name)
    return found, missing


def built(name: str, words: Sequence[str]) -> FrozenMethod:
    """Return the method of the program on a backbone, for one seed."""
    single = [word for word in words if not word.startswith(("seed=", "method="))]
    method = build_method(compose_config("train", [*single, *own(name)]))
    assert isinstance(method, FrozenMethod)
    return method


def own(name: str) -> list[str]:
    """Return the words that differ from backbone to backbone."""
    return [f"backbone={name}", f"paths.features=features/{name}", "paths.graphs=graphs"]


def cost(name: str, words: Sequence[str]) -> dict[str, object]:
    """Return the time of one core that an image takes, decoding aside, and what takes it."""
    method = built(name, words)
    recipe, levels = method.context.features.recipe, method.context.features.facts.levels
    # What a run extracts of each image.
    inputs = list(dict.fromkeys([*method.adapters.fusion.inputs, *standard_inputs(levels)]))
    engine = engine_for(recipe, inputs, Path("graphs"), recipe.build)
    device = Device.choose(device="cpu", precision="fp32", workers=0, batch_size=IMAGES)
    engine.place(device.device)
    shape = (IMAGES, 3, *sides(recipe.image_size))
    images = torch.randint(0, 256, shape, dtype=torch.uint8)
    seconds = []
    for _ in range(PASSES):
        start = time.process_time()
        with torch.inference_mode():
            engine.columns(images, inputs, device)
        seconds.append((time.process_time() - start) / IMAGES)
    return {"backbone": name, "parameters": recipe.build().parameter_count(),
            "engine": recipe.engine, "milliseconds": 1000 * min(seconds)}  # fmt: skip


def kept(name: str) -> float:
    """Return the bytes that an image takes in the store; NaN before, or if trials left others."""
    spaces = list_spaces(Path("features", name))
    if len(spaces) != 1 or not spaces[0].rows:
        return math.nan
    return spaces[0].bytes / spaces[0].rows


def swept(column: str, task: str, name: str, words: Sequence[str]) -> pd.DataFrame:
    """Return a row per method of a task on a backbone, unrounded."""
    print("==", column, name, flush=True)
    command = [sys.executable, "-m", "mlff_cli", "sweep", f"task={task}", *own(name), *words]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    page = next(
        line for line in reversed(done.stdout.splitlines()) if line.startswith("runs/sweeps/")
    )
    return pd.read_csv(Path(page).with_name("results.csv")).assign(column=column)


def text(
    table: pd.DataFrame, costs: pd.DataFrame, missing: Sequence[str], words: Sequence[str]
) -> str:
    """Return the tables for people."""
    lines = [
        "    scripts/reference backbones <data>",
        "",
        f"`mlff sweep {' '.join(words)}`, test images, mean over the seeds ± standard",
        "deviation in percent: learning mAP, of unseen cells the mAP of the kind never trained on;",
        "in brackets the same with the deepest level alone (`method=linear_probe`). Forgetting is",
        "that of real batches, in mAP points: their head is shared; real products and cells have a",
        "layer and a head each, which nothing changes later. Milliseconds are of one core, for the",
        "network and all pooling, without decoding; bytes are those of an image in the store.",
        "",
        f"Not here, weights missing: {', '.join(missing) or 'none'}.",
        "",
        *learned(table),
        "",
        *paid(table, costs),
    ]
    return "\n".join(lines) + "\n"


def learned(table: pd.DataFrame) -> list[str]:
    """Return what is learned on each backbone: a line per backbone, a column per task."""
    columns = [name for name in TASKS if name in set(table["column"])]
    lines = heading(["backbone", *columns, "forgetting"])
    for name, rows in table.groupby("backbone", sort=False):
        cells = []
        for column in columns:
            figure = NEVER_SEEN if column in UNSEEN else LEARNING
            fused, deepest = (
                share(rows, column, method, figure) for method in ("mlff", "linear_probe")
            )
            cells.append(f"{fused} ({deepest})")
        forgotten = share(rows, BATCHES, "mlff", FORGETTING)
        lines.append(line([str(name), *cells, forgotten]))
    return lines


def paid(table: pd.DataFrame, costs: pd.DataFrame) -> list[str]:
    """Return what each backbone costs."""
    lines = heading(
        ["backbone", "parameters", "trained, a shared head", "saving (%)", "engine",
         "extraction, ms an image", "bytes an image"]
    )  # fmt: skip
    batches = table[(table["column"] == BATCHES) & (table["method"] == "mlff")]
    for row in costs.to_dict("records"):
        one = batches[batches["backbone"] == row["backbone"]]
        trained = [f"{one['trainable parameters'].iloc[0]:,.0f}",
                   f"{one['saving (%)'].iloc[0]:.1f}"] if len(one) else ["", ""]  # fmt: skip
        stored = "" if math.isnan(row["bytes_per_image"]) else f"{row['bytes_per_image']:,.0f}"
        cells = [row["backbone"], f"{row['parameters']:,}", *trained, row["engine"],
                 f"{row['milliseconds']:.1f}", stored]  # fmt: skip
        lines.append(line(cells))
    return lines


def share(rows: pd.DataFrame, column: str, method: str, figure: str) -> str:
    """Return a figure in percent with its deviation over the seeds; "" where there is none."""
    one = rows[(rows["column"] == column) & (rows["method"] == method)]
    if one.empty or pd.isna(one[figure].iloc[0]):
        return ""
    mean, spread = one[figure].iloc[0], math.nan
    if f"{figure} deviation" in one:
        spread = one[f"{figure} deviation"].iloc[0]
    return f"{100 * mean:.1f}" + ("" if pd.isna(spread) else f" ± {100 * spread:.1f}")


def heading(titles: Sequence[str]) -> list[str]:
    """Return the first two lines of a table."""
    return [line(titles), f"| --- |{' ---: |' * (len(titles) - 1)}"]


def line(cells: Sequence[str]) -> str:
    """Return a line of a table."""
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
