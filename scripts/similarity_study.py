"""A new product of few images, its fusion layer from scratch or from that of a similar product.

Called by `scripts/reference similarity <data>` in a folder of its own, where `data` is the folder
of the real images. Each product in turn is the new one; all others were learned before, from all of
their training images. Writes results.csv after each product and results.md at the end. Called
anew in the same folder it repeats none.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from mlff_cli.config.composition import compose_config
from mlff_cli.features.columns import everything
from mlff_cli.features.pooling import mean_inputs
from mlff_cli.heads.novelty import Novelty, level_descriptor
from mlff_cli.heads.similarity import distances, sketch
from mlff_cli.methods.base import Journal, Method
from mlff_cli.methods.mlff import MultiLevelFeatureFusion
from mlff_cli.runs.building import build_method, build_scorer, build_task
from mlff_cli.runs.listing import listing_of
from mlff_cli.tasks.experience import Experience, Step
from mlff_cli.tasks.record import Record

SEEDS = (0, 1, 2)
SIZES = (5, 10, 20, 50)
"""Training images per class of the new product, at most."""

SETS = {
    "drawn": ("task=surface_defect data.images_per_class=100",),
    "real": ("task=surface_defect_real paths.data=data", "task=solar_cells"),
}
"""Tasks whose products are taken together."""

LEFT_OUT = ("solar_cell",)
"""Of the real ones: its mono- and polycrystalline cells are two products of the other task."""

SCRATCH, NEAREST, FARTHEST = "scratch", "nearest", "farthest"


@dataclass(frozen=True)
class Known:
    """All products of a set, learned.

    Attributes:
        experiences: One for each product.
        sketches: The statistics of each product, by name.
    """

    config: Mapping[str, Any]
    method: MultiLevelFeatureFusion
    experiences: Sequence[Experience]
    sketches: Mapping[str, Novelty]


def main() -> None:
    """Measure every new product of both sets, and write one table."""
    torch.set_num_threads(1)
    file = Path("results.csv")
    table = (
        pd.read_csv(file) if file.is_file() else pd.DataFrame(columns=["set", "seed", "product"])
    )
    for seed in SEEDS:
        for name, tasks in SETS.items():
            known = None
            experiences = products(tasks, seed)
            for experience in experiences[1]:
                own = table[(table.set == name) & (table.seed == seed)]
                if experience.name in set(own["product"]):
                    continue
                known = known or learned(*experiences)
                rows = [{"set": name, "seed": seed} | row for row in measured(known, experience)]
                print(pd.DataFrame(rows).to_string(), flush=True)
                table = pd.concat([table, pd.DataFrame(rows)], ignore_index=True)
                table.to_csv(file, index=False)
    Path("results.md").write_text(text(table), encoding="utf-8")


def products(tasks: Sequence[str], seed: int) -> tuple[dict[str, Any], list[Experience]]:
    """Return a config, and the products of several tasks as one sequence."""
    found: list[Experience] = []
    for words in tasks:
        config = compose_config("train", [*words.split(), "data.image_size=128", f"seed={seed}"])
        found += build_task(config, listing_of(config)).experiences
    kept = [experience for experience in found if experience.name not in LEFT_OUT]
    return config, [replace(e, index=place) for place, e in enumerate(kept, 1)]


def learned(config: Mapping[str, Any], experiences: Sequence[Experience]) -> Known:
    """Learn all products, each from all of its training images."""
    method = build_method(config)
    assert isinstance(method, MultiLevelFeatureFusion)
    for experience in experiences:
        method.begin(Step((experience,)))
        method.learn(Step((experience,)), Journal())
    sketches = {e.name: sketch_of(method, e.train) for e in experiences}
    return Known(config, method, experiences, sketches)


def sketch_of(method: Method, records: Sequence[Record]) -> Novelty:
    """Return the statistics of images, as `method.start=nearest` takes them."""
    features = method.context.features
    columns = features.read([r.image for r in records], mean_inputs(features.facts.levels))
    return sketch(torch.cat([level_descriptor(part) for part in everything(columns)]))


def measured(known: Known, new: Experience) -> Iterator[dict[str, Any]]:
    """Yield the mAP of a new product by the number of its images and where it starts."""
    others = [e.name for e in known.experiences if e.name != new.name]
    for size in SIZES:
        few = replace(new, train=few_of(new.train, size, known.config["seed"]))
        sketches = [*(known.sketches[name] for name in others), sketch_of(known.method, few.train)]
        away = distances(sketches)[-1, :-1].tolist()
        order = [name for _, name in sorted(zip(away, others, strict=True))]
        for start, source in ((SCRATCH, None), (NEAREST, order[0]), (FARTHEST, order[-1])):
            row = {"product": new.name, "images": size, "start": start, "source": source}
            if source is not None:
                row["distance"] = dict(zip(others, away, strict=True))[source]
            yield row | {"mAP": 100 * result(known, few, source)}


def few_of(records: Sequence[Record], size: int, seed: int) -> list[Record]:
    """Return up to so many records of each class, drawn by the seed; more begin with the fewer."""
    order = np.random.default_rng(seed).permutation(len(records))
    by_class: dict[tuple[str, ...], list[Record]] = {}
    for place in order:
        by_class.setdefault(records[place].labels, []).append(records[place])
    return [record for own in by_class.values() for record in own[:size]]


def result(known: Known, new: Experience, source: str | None) -> float:
    """Return the mAP on test images once a product is learned, from scratch or behind a source."""
    start = SCRATCH if source is None else NEAREST
    config = {**known.config, "method": {**known.config["method"], "start": start}}
    method = build_method(config)
    assert isinstance(method, MultiLevelFeatureFusion)
    if source is not None:
        old = known.method.adapters
        method.adapters.provide(source, old.outputs[source])
        method.adapters.fusion_of(source).load_state_dict(old.fusion_of(source).state_dict())
        method.products.kept[source] = known.sketches[source]
    step = Step((new,))
    method.begin(step)
    method.learn(step, Journal())
    return build_scorer(config, "test")(method, new).values["mAP"]


def text(table: pd.DataFrame) -> str:
    """Return the table for people: a line per set and start, a column per number of images."""
    lines = [
        "# A new product's fusion layer starts from the nearest one's", "",
        "    scripts/reference similarity <data>", "",
        f"| images | start | {' | '.join(f'{size} per class' for size in SIZES)} |",
        f"| --- | --- |{' ---: |' * len(SIZES)}",
    ]  # fmt: skip
    for name in SETS:
        for start in (SCRATCH, NEAREST, FARTHEST):
            cells = [cell(table[table.set == name], start, size) for size in SIZES]
            lines.append(f"| {name} | {start} | {' | '.join(cells)} |")
    seeds = ", ".join(map(str, sorted(set(table.seed))))
    lines += [
        "",
        f"mAP of the new product on test images, percent: mean over products and seeds {seeds};",
    ]
    lines += [
        "in brackets the difference from scratch ± its standard error; over how many of them."
    ]
    lines += ["", "Sources at the most images, with their distance:", ""]
    most = table[(table.images == SIZES[-1]) & (table.start != SCRATCH)]
    for pair, rows in most.groupby(["product", "start"], sort=False):
        said = ", ".join(f"{row.source} {row.distance:.1f}" for row in rows.itertuples())
        lines.append(f"- {pair[0]}, {pair[1]}: {said}")
    return "\n".join(lines) + "\n"


def cell(rows: pd.DataFrame, start: str, size: int) -> str:
    """Return the mean mAP, and what it is above that from scratch; blank where there is none."""
    own = rows[rows.images == size].set_index(["product", "seed"])
    values, base = (own[own.start == name]["mAP"] for name in (start, SCRATCH))
    if values.empty:
        return ""
    above = values - base
    shown = f"{values.mean():.1f}"
    if start == SCRATCH:
        return shown
    error = f" ± {above.std() / len(above) ** 0.5:.1f}" if len(above) > 1 else ""
    return f"{shown} ({above.mean():+.1f}{error}; {len(above)})"


if __name__ == "__main__":
    main()
