"""Which levels a fusion layer reads: chosen by the task, all, the deepest, three drawn at random.

Called by `scripts/reference levels <data>` in a folder of its own, where `data` is the folder of
the real images. Writes results.csv after each run and results.md at the end. Called anew in the
same folder it repeats none.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from time import perf_counter, process_time
from typing import Any

import numpy as np
import pandas as pd
import torch

from mlff_cli.audit.levels import MOST, choose_levels
from mlff_cli.audit.separability import Separability
from mlff_cli.config.composition import compose_config
from mlff_cli.config.levels import with_chosen
from mlff_cli.methods.base import Journal, Method
from mlff_cli.runs.building import (
    build_device,
    build_features,
    build_method,
    build_scorer,
    build_task,
)
from mlff_cli.runs.listing import listing_of
from mlff_cli.runs.scoring import Scorer
from mlff_cli.tasks.experience import Experience, Step

SEEDS = (0, 1, 2)

TASKS = {
    "drawn products": "task=surface_defect",
    "real batches": "task=component_misalignment_real paths.data=data",
    "drawn batches": "task=component_misalignment",
    "solar cells": "task=solar_cells",
    "real products": "task=surface_defect_real paths.data=data",
}
"""What is learned in turn, at 128 px, by the name of its column."""

ALL, DEEPEST, AUTO, EACH, RANDOM = (
    "all", "the deepest", "auto", "auto, each product its own", "three at random"
)  # fmt: skip
FIGURES = ("learning mAP", "final mAP", "parameters", "seconds")


def main() -> None:
    """Measure every way on every task and seed, and write one table."""
    torch.set_num_threads(1)
    file = Path("results.csv")
    table = pd.read_csv(file) if file.is_file() else pd.DataFrame(columns=["task", "way", "seed"])
    for task, words in TASKS.items():
        for seed in SEEDS:
            done = set(table[(table.task == task) & (table.seed == seed)].way)
            for row in rows(words, seed, done):
                named = {"task": task, "seed": seed} | row
                print(named, flush=True)
                table = pd.concat([table, pd.DataFrame([named])], ignore_index=True)
                table.to_csv(file, index=False)
    Path("results.md").write_text(text(table), encoding="utf-8")


def rows(words: str, seed: int, done: set[str]) -> Iterator[dict[str, Any]]:
    """Yield what each way that is not done gives on a task."""
    config = compose_config("train", [*words.split(), "data.image_size=128", f"seed={seed}"])
    listing = listing_of(config)
    learned = [e for e in build_task(config, listing).experiences if e.learned]
    features = build_features(config, build_device(config), listing)
    whole = build_method(config, listing)
    features.ensure(
        [r.image for e in learned for split in ("train", "test") for r in e.split(split)],
        whole.adapters.fusion.inputs,
    )
    names = [level.name for level in features.facts.levels]
    separate = all(e.head == e.name for e in learned)
    started = process_time()
    auto = choose_levels(Separability.of(features, learned[0]), learned[0].name).levels
    seconds = process_time() - started
    drawn = np.random.default_rng(seed).choice(len(names), MOST, replace=False)
    ways: dict[str, list[Sequence[str]]] = {
        ALL: [names],
        DEEPEST: [names[-1:]],
        AUTO: [auto],
        RANDOM: [[names[place] for place in sorted(drawn)]],
    }
    if separate:
        ways[EACH] = [choose_levels(Separability.of(features, e), e.name).levels for e in learned]
    for way, chosen in ways.items():
        if way not in done:
            said = "; ".join("+".join(levels) for levels in chosen)
            found = measured(config, listing, learned, chosen)
            yield {"way": way, "levels": said, "choice seconds": seconds} | found


def measured(
    config: Mapping[str, Any], listing: Any, learned: Sequence[Experience], levels: Sequence[Any]
) -> dict[str, float]:
    """Return the figures of learning experiences in turn on levels, for all or for each."""
    scorer = build_scorer(config, "test")
    methods = [build_method(with_chosen(config, own), listing) for own in levels]
    right_after, seconds = [], []
    for place, experience in enumerate(learned):
        method = methods[place % len(methods)]
        step = Step((experience,))
        method.begin(step)
        started = perf_counter()
        method.learn(step, Journal())
        seconds.append(perf_counter() - started)
        right_after.append(score(scorer, method, experience))
    final = [score(scorer, methods[p % len(methods)], e) for p, e in enumerate(learned)]
    parameters = sum(method.trainable_parameters() for method in methods)
    values = (100 * fmean(right_after), 100 * fmean(final), parameters, fmean(seconds))
    return dict(zip(FIGURES, values, strict=True))


def score(scorer: Scorer, method: Method, experience: Experience) -> float:
    """Return the mAP on test images of an experience."""
    return scorer(method, experience).values["mAP"]


def text(table: pd.DataFrame) -> str:
    """Return the table for people: a line per way, a column per task."""
    tasks = [task for task in TASKS if task in set(table.task)]
    lines = [
        "# Levels by the task", "",
        "    scripts/reference levels <data>", "",
        f"| levels read | {' | '.join(tasks)} |",
        f"| --- |{' ---: |' * len(tasks)}",
    ]  # fmt: skip
    for way in (ALL, DEEPEST, RANDOM, AUTO, EACH):
        cells = [cell(table[(table.task == task) & (table.way == way)]) for task in tasks]
        lines.append(f"| {way} | {' | '.join(cells)} |")
    lines += [
        "",
        "Learning mAP / final mAP on test images, percent, mean ± standard deviation over",
    ]
    lines += [f"seeds {', '.join(map(str, sorted(set(table.seed))))}; 128 px, one variation; in"]
    lines += ["brackets thousands of parameters. Chosen were:", ""]
    for task in tasks:
        own = table[(table.task == task) & table.way.isin([AUTO, EACH])]
        said = [f"{row.seed}: {row.levels}" for row in own.itertuples()]
        lines.append(f"- {task}, by seed: {' | '.join(said)}")
    slowest = table["choice seconds"].max()
    lines += ["", f"A choice took {slowest:.2f} s of one core at most."]
    return "\n".join(lines) + "\n"


def cell(rows: pd.DataFrame) -> str:
    """Return the figures of a way on a task; blank where there are none."""
    if rows.empty:
        return ""
    shown = [spread(rows[name]) for name in FIGURES[:2]]
    seeds = "" if len(rows) == len(SEEDS) else f", {len(rows)} of {len(SEEDS)} seeds"
    return f"{' / '.join(shown)} ({rows['parameters'].mean() / 1000:.0f}{seeds})"


def spread(values: "pd.Series[float]") -> str:
    """Return mean and standard deviation; of a single value that alone."""
    deviation = f" ± {values.std():.1f}" if len(values) > 1 else ""
    return f"{values.mean():.1f}{deviation}"


if __name__ == "__main__":
    main()
