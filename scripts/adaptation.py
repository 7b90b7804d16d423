"""What `mlff adapt` gains on products and batches that were never trained on, and what it costs.

Called by `scripts/reference adaptation <data>` in a folder of its own, where `data` is the folder
of the real images; on fewer images by `python scripts/adaptation.py <images of a domain at most>`.
Writes results.csv and results.md. A head learns good from defective parts of one domain; another
one is scored: one half of its groups, the other half are images without labels; three seeds.

- as it is: the run unchanged;
- standardise, coral: aligned to the images without labels;
- other shares: standardise, where nine in ten images without labels are good parts.
"""

import sys
from collections.abc import Iterator, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from mlff_cli.config.composition import compose_config
from mlff_cli.methods.base import Journal
from mlff_cli.runs.adapting import align, drifts
from mlff_cli.runs.building import build_method, build_scorer
from mlff_cli.runs.listing import listing_of
from mlff_cli.tasks.experience import Experience, Step
from mlff_cli.tasks.record import Record

SEEDS = (0, 1, 2)
WAYS = ("as it is", "standardise", "coral", "other shares")

TILES = "dataset=magnetic_tile data.root=data data.labelling=good_defect"
DRAWN = "dataset=surfaces data.labelling=good_defect"
SETS = {
    "unseen product, drawn: metal to ceramic": (
        DRAWN,
        "product",
        "brushed_metal",
        "glazed_ceramic",
    ),
    "unseen product, drawn: fabric to metal": (DRAWN, "product", "woven_fabric", "brushed_metal"),
    "unseen product, real: mono to poly": ("dataset=elpv", "product", "mono", "poly"),
    "unseen product, real: poly to mono": ("dataset=elpv", "product", "poly", "mono"),
    "unseen batch, drawn: resistors": ("dataset=placement", "batch", 0, 3),
    "unseen batch, real: exposures of tiles": (TILES, "batch", "exp1", "exp5"),
    "unseen batch, real: exposures, back": (TILES, "batch", "exp5", "exp1"),
}
"""Words, what domains are, and the names (or the places) of that trained on and the new one."""


def main() -> None:
    """Measure every set and write one table."""
    most = int(sys.argv[1]) if len(sys.argv) > 1 else 600
    rows = []
    for name, (words, field, source, target) in SETS.items():
        for seed in SEEDS:
            for row in measured(words.split(), field, (source, target), seed, most):
                rows.append({"images": name, "seed": seed} | row)
            table = pd.DataFrame(rows)
            table.to_csv("results.csv", index=False)
            Path("results.md").write_text(text(table, most), encoding="utf-8")
            print(name, seed, flush=True)


def measured(
    words: Sequence[str], field: str, names: Sequence[Any], seed: int, most: int
) -> Iterator[dict[str, Any]]:
    """Yield the scores on the new domain, and on the old one, of every way."""
    config = compose_config("train", [*words, f"seed={seed}", "data.image_size=96"])
    listing = listing_of(config)
    known = sorted({getattr(record, field) for record in listing.records})
    old, new = (
        [r for r in listing.records if getattr(r, field) == (known[n] if type(n) is int else n)]
        for n in names
    )
    # Of groups: the same tile is in both exposures, on one side of each.
    trained, kept = halves(old, seed, most)
    without, scored = halves(new, seed, most)
    outputs = tuple(dict.fromkeys(record.labels[0] for record in trained))
    scored = [record for record in scored if set(record.labels) <= set(outputs)]
    method = build_method(config, listing)
    experience = Experience(1, "all", "all", outputs, trained, (), scored)
    step = Step((experience,))
    method.begin(step)
    method.learn(step, Journal())
    scorer = build_scorer(config, "test")
    before = Experience(1, "all", "all", outputs, trained, (), kept)
    source = [record.image for record in trained]
    good = (
        next(name for name in config["data"]["good"] if name in outputs)
        if isinstance(config["data"]["good"], list)
        else config["data"]["good"]
    )
    adapters = deepcopy(method.adapters.state_dict())
    for way in WAYS:
        method.adapters.load_state_dict(adapters)
        images = [r.image for r in (mostly(without, good) if way == WAYS[3] else without)]
        found = drifts(method, source, images)
        if way != WAYS[0]:
            align(method, "all", source, images, "coral" if way == "coral" else "standardise")
        there, here = scorer(method, experience).values, scorer(method, before).values
        yield {
            "way": way,
            "mAP": there["mAP"],
            "accuracy": there["accuracy"],
            "old mAP": here["mAP"],
            "drifted levels": sum(drift.told for drift in found),
            "levels": len(found),
            "without labels": len(images),
        }


def halves(records: Sequence[Record], seed: int, most: int) -> tuple[list[Record], list[Record]]:
    """Return two halves of some records, groups whole; the same groups in each domain."""
    units = sorted({record.unit[1].rpartition("/")[2] for record in records})
    np.random.default_rng(seed).shuffle(units)
    place = {unit: number for number, unit in enumerate(units)}
    ordered = sorted(records, key=lambda record: place[record.unit[1].rpartition("/")[2]])[:most]
    middle = place[ordered[len(ordered) // 2].unit[1].rpartition("/")[2]]
    parts: tuple[list[Record], list[Record]] = ([], [])
    for record in ordered:
        parts[place[record.unit[1].rpartition("/")[2]] >= middle].append(record)
    return parts


def mostly(records: Sequence[Record], good: str) -> list[Record]:
    """Return all good parts, and a ninth of their number of others."""
    own = [record for record in records if good in record.labels]
    others = [record for record in records if good not in record.labels]
    return own + others[: max(1, len(own) // 9)]


def text(table: pd.DataFrame, most: int) -> str:
    """Return the table of means and standard deviations over seeds as Markdown."""
    names = ("mAP", "accuracy", "old mAP")
    lines = [
        "# Adapting to a new product or batch without labels", "",
        "    scripts/reference adaptation <data>", "",
        "| images | way | " + " | ".join(names) + " | drifted levels | without labels |",
        "|---|---|" + "---|" * 5,
    ]  # fmt: skip
    for (images, way), rows in table.groupby(["images", "way"], sort=False):
        cells = [f"{100 * rows[name].mean():.1f} ± {100 * rows[name].std():.1f}" for name in names]
        cells.append(f"{rows['drifted levels'].mean():.1f} of {rows['levels'].max()}")
        cells.append(f"{rows['without labels'].mean():.0f}")
        lines.append(f"| {images} | {way} | " + " | ".join(cells) + " |")
    lines += [
        "",
        f"Percent of images of the new domain, mean ± standard deviation over seeds {SEEDS};",
    ]
    lines += ["old mAP: of images of the domain that was trained on, in the halves not trained on;"]
    lines += [f"at most {most} images of a domain, at 96 pixels."]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
