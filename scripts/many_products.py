"""Two hundred drawn products in turn: what k of them cost, what is kept, and which is which.

Called by `scripts/reference many_products` in a folder of its own. Writes results.csv,
recognition.csv, results.md and results.png after each run. Called anew in the same folder it
repeats no finished run, and one that broke off goes on. `--quick` tries it all out on 12 products
and measures nothing.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from safetensors import safe_open

from mlff_cli import Run, train
from mlff_cli.heads.nearest import Nearest
from mlff_cli.metrics.figures import final_average, forgetting, learning
from mlff_cli.results.canvas import COLOURS, MARKERS, picture
from mlff_cli.runs.calibration import level_descriptors
from mlff_cli.runs.deployed import of_run
from mlff_cli.runs.folder import RunFolder
from mlff_cli.runs.reopen import reopen

WAYS = {
    "mlff, a fusion layer each": (),
    "mlff, one fusion layer": ("fusion.shared=true",),
    "closed_form": ("method=closed_form",),
}
FIRST = next(iter(WAYS))
SEEDS = (0, 1, 2)
AT = (1, 10, 50, 100, 200)
"""Numbers of products that figures are told of."""

QUICK = ("data.products=12", "data.images_per_class=8", "method.epochs=2")
QUICK_AT = (1, 5, 12)
LATEST = 10
"""Experiences up to k whose median time is told: a single one says little."""


def main(quick: bool) -> None:
    """Measure way by way and seed by seed."""
    rows: list[dict[str, Any]] = []
    recognised: list[dict[str, Any]] = []
    at = QUICK_AT if quick else AT
    for seed in SEEDS[: 1 if quick else None]:
        for way, words in WAYS.items():
            given = [word for word in QUICK if quick and fits(word, words)]
            run = train("task=many_products", *words, f"seed={seed}", *given)
            known = {"way": way, "seed": seed}
            rows += [known | row for row in costs(RunFolder(run.folder), at)]
            if way == FIRST:
                recognised += [{"seed": seed} | row for row in recognition(run, at)]
            print(rows[-1], recognised[-1], flush=True)
            write(pd.DataFrame(rows), pd.DataFrame(recognised))


def fits(word: str, words: Sequence[str]) -> bool:
    """Return whether a word of the quick study is of a key that a way has."""
    return not (word.startswith("method.") and any(own.startswith("method=") for own in words))


def costs(run: RunFolder, at: Sequence[int]) -> Iterator[dict[str, Any]]:
    """Yield what the first k products reached and cost."""
    record, scores = run.record(), run.matrix().masked_array("mAP")
    added = [step.added_parameters for step in record.steps]
    sizes = sizes_of(run.adapters, record.facts.experiences)
    for k in at:
        seen, latest = scores[: k + 1, :k], record.steps[max(0, k - LATEST) : k]
        yield {
            "products": k,
            "learning mAP": 100 * learning(seen).value,
            "final mAP": 100 * final_average(seen).value,
            "forgetting": 100 * forgetting(seen).value,
            "parameters": record.facts.trainable_parameters - sum(added[k:]),
            "megabytes": (sizes[""] + sum(sizes[n] for n in record.facts.experiences[:k])) / 1e6,
            "seconds learning": float(np.median([step.training_seconds for step in latest])),
            "seconds scoring": float(np.median([step.scoring_seconds for step in latest])),
        }


def sizes_of(folder: Path, products: Sequence[str]) -> dict[str, int]:
    """Return the bytes of a run's tensors by product; "" are those that all of them share."""
    sizes = dict.fromkeys(("", *products), 0)
    for file in sorted(folder.glob("*.safetensors")):
        with safe_open(file, "np") as tensors:
            for key in tensors.keys():  # noqa: SIM118, it is no mapping
                sizes[owner_of(key, products)] += tensors.get_tensor(key).nbytes
    return sizes


def owner_of(key: str, products: Sequence[str]) -> str:
    """Return whose a tensor is: its name or its number is in the tensor's."""
    if key.startswith("adapters."):
        _, kind, number, *_ = key.split(".")
        places = {"heads": 0, "further": 1}  # the first fusion layer stands by itself
        return products[int(number) + places[kind]] if kind in places else ""
    words: list[str] = json.loads(key)
    return next(word for word in words if word in products)


def recognition(run: Run, at: Sequence[int]) -> Iterator[dict[str, Any]]:
    """Yield the share of test images whose product `product=auto` finds among the first k."""
    opened = reopen(run.folder, trainer=run.config["trainer"], paths=run.config["paths"])
    sketches = of_run(opened).calibration.experiences
    experiences = opened.task.experiences
    images = [record.image for experience in experiences for record in experience.test]
    truths = torch.tensor([n for n, e in enumerate(experiences) for _ in e.test])
    rows = level_descriptors(opened.method, images)
    for k in at[1:]:
        nearest = Nearest.of([sketches[experience.name] for experience in experiences[:k]])
        own = truths < k
        told = nearest(rows[own]).argmin(dim=1)
        right, surface = told == truths[own], told % 3 == truths[own] % 3
        yield {
            "products": k,
            "images": int(own.sum()),
            "recognised": 100 * right.float().mean().item(),
            "of its surface": 100 * surface.float().mean().item(),
        }


def write(rows: pd.DataFrame, recognised: pd.DataFrame) -> None:
    """Write every figure, the tables of means over seeds, and the picture."""
    rows.to_csv("results.csv", index=False)
    recognised.to_csv("recognition.csv", index=False)
    Path("results.md").write_text("\n".join(text(rows, recognised)) + "\n", encoding="utf-8")
    plot(rows, recognised)


def text(rows: pd.DataFrame, recognised: pd.DataFrame) -> list[str]:
    """Return the tables for people."""
    titles = list(rows.columns[3:])
    lines = ["# Many products in turn", "", "    scripts/reference many_products", ""]
    for way, of_way in rows.groupby("way", sort=False):
        lines += [f"## {way}", "", f"| products | {' | '.join(titles)} |"]
        lines += ["|" + "---:|" * (len(titles) + 1)]
        for k, own in of_way.groupby("products", sort=False):
            lines.append(f"| {k} | {' | '.join(spread(own[title]) for title in titles)} |")
        lines.append("")
    lines += ["## Which product an image is of, without being told (`product=auto`)", ""]
    lines += ["| products | test images | recognised | of its surface | chance |"]
    lines += ["|---:|---:|---:|---:|---:|"]
    for k in dict.fromkeys(recognised["products"].tolist()):
        own = recognised[recognised["products"] == k]
        found = [spread(own[title]) for title in ("recognised", "of its surface")]
        lines.append(f"| {k} | {own['images'].iloc[0]} | {' | '.join(found)} | {100 / k:.1f} |")
    seeds = {way: sorted(set(rows["seed"][rows["way"] == way])) for way in WAYS}
    said = "; ".join(f"{way}: {', '.join(map(str, own))}" for way, own in seeds.items() if own)
    return [
        *lines,
        "",
        "Percent of test images; mean ± standard deviation over seeds where there are several",
        f"({said}).",
        "Final and forgetting: over the first k products, after the k-th. Parameters",
        "and megabytes: of all that was trained and kept for k products, thresholds and what",
        "recognises products included. Seconds: of one more product, the median of the last",
        f"{LATEST}, without features; scoring is that of all k products after it. A variant of the",
        "same surface (metal, fabric, ceramic) is the likely mistake.",
    ]


def spread(values: pd.Series) -> str:
    """Return a mean, and the standard deviation where there are several values."""
    mean = values.mean()
    if values.isna().any():
        return ""
    if mean > 1000:
        return f"{mean:,.0f}"
    digits = 1 if mean >= 10 else 2
    if len(values) == 1:
        return f"{mean:.{digits}f}"
    return f"{mean:.{digits}f} ± {values.std():.{digits}f}"


def plot(rows: pd.DataFrame, recognised: pd.DataFrame) -> None:
    """Draw what is kept, what is recognised, and what it costs, over the number of products."""
    titles = {"final mAP": "final mAP (%)", "megabytes": "kept, in MB",
              "seconds learning": "seconds to learn one more"}  # fmt: skip
    size = f"{rows['products'].max()} products, 64 px"
    with picture(Path("results.png"), 11, 3.4, "Many products in turn", size) as figure:
        axes = figure.subplots(1, 4)
        for column, (title, label) in zip(axes, titles.items(), strict=False):
            for number, (way, own) in enumerate(rows.groupby("way", sort=False)):
                means = own.groupby("products")[title].mean()
                style = {"color": COLOURS[number], "marker": MARKERS[number]}
                column.plot(means.index, means.values, label=way, **style)
            column.set_ylabel(label)
        found = recognised.groupby("products")["recognised"].mean()
        axes[3].plot(found.index, found.values, color="black", marker="o")
        axes[3].set_ylabel("recognised with product=auto (%)")
        for column in axes:
            column.set_xlabel("products learned")
            column.set_ylim(0, 103 if "%" in column.get_ylabel() else None)
            column.grid(axis="y")
        axes[1].legend(fontsize=7)


if __name__ == "__main__":
    main("--quick" in sys.argv[1:])
