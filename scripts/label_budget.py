"""Labels needed for 95 % of what all labels give: by `mlff data suggest` and at random.

Called by `scripts/reference label_budget <data>` in a folder of its own, where `data` is the folder
of the real images; on fewer images by `python scripts/label_budget.py <images at most>`. Writes
results.csv and results.md. Of each set a third is scored, groups whole; the rest are the pool. A
head is trained on the images chosen so far, by the defaults of `mlff`; three seeds.

- random: images drawn at random;
- typical: all by TypiClust;
- typical and outlying: half by TypiClust, the rest far from all others: what the command does;
- these, then margin: the first half like that, the rest those that the head trained on that half is
  least sure of.
"""

import sys
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from mlff_cli.audit.typical import doubtful, typical, typical_and_outlying
from mlff_cli.commands.suggest import descriptors
from mlff_cli.config.composition import compose_config
from mlff_cli.methods.base import Journal, Method
from mlff_cli.runs.building import build_device, build_features, build_method, build_scorer
from mlff_cli.runs.listing import listing_of
from mlff_cli.tasks.experience import Experience, Step
from mlff_cli.tasks.record import Record

SEEDS = (0, 1, 2)
BUDGETS = (10, 20, 40, 80, 160)
ENOUGH = 0.95
WAYS = ("random", "typical", "typical and outlying", "these, then margin")

SETS = {
    "real: steel strip, 6 classes": ("dataset=neu_cls data.root=data", None),
    "drawn: brushed metal, 5 classes": ("dataset=surfaces", "brushed_metal"),
    "real: magnetic tiles, good or defective": (
        "dataset=magnetic_tile data.root=data data.labelling=good_defect", None,
    ),
}  # fmt: skip


def main() -> None:
    """Measure every set and write one table."""
    most = int(sys.argv[1]) if len(sys.argv) > 1 else 1200
    rows = []
    for name, (words, product) in SETS.items():
        for seed in SEEDS:
            for row in measured(words.split(), product, seed, most):
                rows.append({"images": name, "seed": seed} | row)
            table = pd.DataFrame(rows)
            table.to_csv("results.csv", index=False)
            Path("results.md").write_text(text(table, most), encoding="utf-8")
            print(name, seed, flush=True)


def measured(
    words: Sequence[str], product: str | None, seed: int, most: int
) -> Iterator[dict[str, Any]]:
    """Yield the scores of every way and budget, and with all labels."""
    config = compose_config("train", [*words, f"seed={seed}", "data.image_size=96"])
    listing = listing_of(config)
    records = [r for r in listing.records if product in (None, r.product)]
    pool, scored = divided(records, seed, most)
    features = build_features(config, build_device(config), listing)
    rows = descriptors(features, [record.image for record in pool])
    outputs = tuple(dict.fromkeys(record.labels[0] for record in pool))

    @cache
    def score(chosen: tuple[int, ...]) -> tuple[float, Method]:
        method = build_method(config, listing)
        own = [pool[place] for place in chosen]
        experience = Experience(1, "all", "all", outputs, own, (), scored)
        step = Step((experience,))
        method.begin(step)
        method.learn(step, Journal())
        return build_scorer(config, "test")(method, experience).values["mAP"], method

    whole, _ = score(tuple(range(len(pool))))
    yield {"way": "all", "labels": len(pool), "mAP": whole}
    order = np.random.default_rng(seed).permutation(len(pool)).tolist()
    for budget in (b for b in BUDGETS if b < len(pool)):
        picked = [pick.position for pick in typical(rows, budget)]
        both = [pick.position for pick in typical_and_outlying(rows, budget)]
        half = [pick.position for pick in typical_and_outlying(rows, budget // 2)]
        _, method = score(tuple(half))
        rest = sorted(set(range(len(pool))) - set(half))
        scores = method.scores("all", [pool[place].image for place in rest])
        unsure = [rest[pick.position] for pick in doubtful(scores, budget - len(half))]
        for way, chosen in zip(WAYS, (order[:budget], picked, both, half + unsure), strict=True):
            yield {"way": way, "labels": budget, "mAP": score(tuple(chosen))[0]}


def divided(records: Sequence[Record], seed: int, most: int) -> tuple[list[Record], list[Record]]:
    """Return the pool and what is scored, a third of all groups."""
    units = sorted({record.unit for record in records})
    np.random.default_rng(seed).shuffle(units)
    place = {tuple(unit): number for number, unit in enumerate(units)}
    records = sorted(records, key=lambda record: place[record.unit])[:most]
    last = place[records[len(records) // 3].unit]
    return (
        [record for record in records if place[record.unit] > last],
        [record for record in records if place[record.unit] <= last],
    )


def text(table: pd.DataFrame, most: int) -> str:
    """Return the tables of scores and of labels needed as Markdown."""
    budgets = sorted(table[table.way != "all"].labels.unique())
    lines = [
        "# Labels needed, by how images are chosen", "",
        "    scripts/reference label_budget <data>", "",
        "| images | way | " + " | ".join(map(str, budgets)) + f" | labels for {ENOUGH:.0%} |",
        "|---|---|" + "---|" * (len(budgets) + 1),
    ]  # fmt: skip
    for images, rows in table.groupby("images", sort=False):
        whole = rows[rows.way == "all"]
        for way in WAYS:
            means = rows[rows.way == way].groupby("labels").mAP.mean()
            short = [n for n in means.index if means[n] < ENOUGH * whole.mAP.mean()]
            enough = [n for n in means.index if n > max(short, default=0)]
            cells = [f"{100 * means[n]:.1f}" if n in means else "" for n in budgets]
            needed = str(enough[0]) if enough else f"more than {means.index.max()}"
            lines.append(f"| {images} | {way} | " + " | ".join(cells) + f" | {needed} |")
        all_of = f"all {whole.labels.mean():.0f} labels: {100 * whole.mAP.mean():.1f}"
        lines.append(f"| {images} | {all_of} |" + " |" * (len(budgets) + 1))
    lines += [
        "",
        f"mAP in percent of images that are never chosen, mean over seeds {SEEDS}; last column:",
    ]
    lines += [
        f"the number of labels from which on the mean stays at {ENOUGH:.0%} of that with all;"
    ]
    lines += [f"at most {most} images of a set, at 96 pixels."]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
