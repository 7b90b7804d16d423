"""What does a line computer need for 1,000 products on one backbone? Bytes, memory, milliseconds.

Called by `scripts/reference edge` in a folder of its own, after three runs. Writes results.csv and
results.md. Of each run a product is packed in fp16 and copied under 1,000 names, its weights moved
by a thousandth at random, so that no two are alike; what is measured runs in processes of its own.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
import torch
import yaml
from numpy.typing import NDArray
from safetensors.torch import load
from torch import Tensor

from mlff_cli.config.composition import user_cache
from mlff_cli.config.shipped import shipped
from mlff_cli.data.generated import GeneratedImage
from mlff_cli.runs.bundle.answering import Bundle
from mlff_cli.runs.bundle.description import CARD, Member
from mlff_cli.runs.bundle.on_demand import KEPT
from mlff_cli.runs.bundle.packing import Packed, packed
from mlff_cli.runs.bundle.tensors import encoded_tensors
from mlff_cli.runs.calibration import level_descriptors
from mlff_cli.runs.deciding import DecisionSettings, decision_of
from mlff_cli.runs.reopen import OpenRun, reopen

PRODUCTS, PASSES = 1000, 5
NOISE = 1e-3

TRAINER: dict[str, Any] = {**shipped("trainer/default"), "device": "cpu", "workers": 0}
PATHS = {**shipped("paths/default"), "features": "features", "graphs": f"{user_cache()}/graphs"}

IMAGE = GeneratedImage(
    "surfaces",
    (
        ("generator_seed", 0),
        ("product", "brushed_metal"),
        ("label", "good"),
        ("index", 0),
        ("image_size", 224),
    ),
)
"""What is looked at."""


def main() -> None:
    """Measure every run and write one table."""
    rows = [figures for run in finished() for figures in measured(run)]
    table = pd.DataFrame(rows)
    table.to_csv("results.csv", index=False)
    Path("results.md").write_text(text(table), encoding="utf-8")


def finished() -> list[Path]:
    """Return the folders of the runs, that with own fusion layers first."""
    runs = [done.parent for done in Path("runs").glob("*/*/DONE")]
    return sorted(runs, key=lambda run: (name_of(run).startswith("shared"), name_of(run)))


def name_of(run: Path) -> str:
    """Return what is special of a run."""
    config = yaml.safe_load((run / "config.yaml").read_text(encoding="utf-8"))
    fusion = "shared" if config["fusion"]["shared"] is True else "own"
    classes = "five classes" if config["data"]["labelling"] == "defects" else "good or defect"
    return f"{fusion} fusion, {classes}"


def measured(run: Path) -> Iterator[dict[str, Any]]:
    """Yield the figures of a run: of its bundle with one product, and with very many."""
    own = yaml.safe_load((run / "config.yaml").read_text(encoding="utf-8"))["paths"]
    opened = reopen(run, trainer=TRAINER, paths={**PATHS, **own})
    real = packed(opened, "fp16", DecisionSettings())
    Path("real.mlff").write_bytes(real.content())
    half = loss(opened, Bundle(Path("real.mlff"), trainer=TRAINER, paths=PATHS))
    bundles = [Path(f"{count}.mlff") for count in (1, PRODUCTS)]
    for count, file in zip((1, PRODUCTS), bundles, strict=True):
        file.write_bytes(many(real, count).content())
    sizes = [file.stat().st_size for file in bundles]
    bare = packed(opened, "fp16", DecisionSettings(novelty=None))
    ends = [len(many(bare, count).content()) for count in (1, PRODUCTS)]
    beside = in_process("alone", bundles[0])
    for count, file, size in zip((1, PRODUCTS), bundles, sizes, strict=True):
        more = {
            "bytes per further product": (sizes[1] - sizes[0]) / (PRODUCTS - 1),
            "bytes without novelty": (ends[1] - ends[0]) / (PRODUCTS - 1),
        }
        whole = {**more, **half} if count > 1 else {}
        yield {
            "adapters": name_of(run),
            "products": count,
            "bytes": size,
            **beside,
            **in_process("open", file),
            **whole,
        }


def loss(run: OpenRun, bundle: Bundle) -> dict[str, Any]:
    """Return what half precision does to the answers on the test images of a run."""
    deployed, apart, changed, count = bundle.deployed(), 0.0, 0, 0
    for experience in run.task.experiences:
        images = [record.image for record in experience.test]
        before = run.method.scores(experience.head, images)
        now = deployed.method_of(experience.head).scores(experience.head, images)
        apart = max(apart, float(np.abs(before - now).max()))
        changed += int((before.argmax(axis=1) != now.argmax(axis=1)).sum())
        count += len(images)
    return {"test images": count, "largest difference of a score": apart, "other labels": changed}


def many(real: Packed, count: int) -> Packed:
    """Return a bundle with so many products, all nearly like the first one of another."""
    said, generator = real.description, torch.Generator().manual_seed(0)
    head, experience = said.heads[0], said.experiences[0]
    assert experience.sketch is not None
    tensors, sketch = (load(real.contents[m.name]) for m in (head.tensors, experience.sketch))
    card = real.contents[CARD].decode()
    line = next(row for row in card.splitlines(keepends=True) if row.startswith("| brushed"))
    contents = dict(real.contents)
    heads, experiences, lines = [], [], []
    for number in range(count):
        name, file = f"product_{number:04d}", f"{number:04d}.safetensors"
        held = kept(f"heads/{file}", shaken(tensors, generator), contents)
        seen = kept(f"experiences/{file}", shaken(sketch, generator), contents)
        heads.append(replace(head, name=name, tensors=held))
        experiences.append(replace(experience, name=name, head=name, sketch=seen))
        lines.append(f"| {name} |{line.split('|', 2)[2]}")
    contents[CARD] = card.replace(line, "".join(lines)).encode()
    points = tuple(replace(said.points[0], experience=entry.name) for entry in experiences)
    named = replace(said, heads=tuple(heads), experiences=tuple(experiences), points=points)
    return Packed(named, contents)


def kept(name: str, tensors: dict[str, Tensor], contents: dict[str, bytes]) -> Member:
    """Put tensors among the contents of a bundle."""
    member, contents[name] = encoded_tensors(name, tensors)
    return member


def shaken(tensors: dict[str, Tensor], generator: torch.Generator) -> dict[str, Tensor]:
    """Return tensors whose numbers differ by a thousandth."""
    return {
        name: (part.float() * (1 + NOISE * torch.randn(part.shape, generator=generator))).to(
            part.dtype
        )
        if part.is_floating_point()
        else part
        for name, part in tensors.items()
    }


def in_process(what: str, file: Path) -> dict[str, float]:
    """Return what a process of its own measures of a bundle."""
    words = [sys.executable, str(Path(__file__).resolve()), what, str(file.resolve())]
    done = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def alone(file: Path) -> dict[str, float]:
    """Measure the backbone with one image behind it: no head is there."""
    bundle = Bundle(file, trainer=TRAINER, paths=PATHS)
    level_descriptors(bundle.without_heads, [IMAGE])
    return {"MiB of backbone alone": resident()}


def opened(file: Path) -> dict[str, float]:
    """Measure how long a bundle takes to open, and its products to switch."""
    started = time.perf_counter()
    bundle = Bundle(file, trainer=TRAINER, paths=PATHS)
    deployed = bundle.deployed()
    loaded = time.perf_counter() - started
    names = list(deployed.experiences)
    deployed.method_of(names[0]).scores(names[0], [IMAGE])
    first = resident()
    wall, processor = np.full((2, PASSES, len(names)), np.nan)
    for number in range(PASSES if len(names) > 1 else 0):
        for place in np.random.default_rng(number).permutation(len(names)):
            begun, busy = time.perf_counter(), time.process_time()
            name = names[place]
            deployed.method_of(name)
            decision_of(deployed, deployed.product(name), bundle.settings)
            _ = deployed.calibration.heads[name]
            wall[number, place] = 1000 * (time.perf_counter() - begun)
            processor[number, place] = 1000 * (time.process_time() - busy)
    return {
        "processes that wanted a core": os.getloadavg()[0],
        "load seconds": loaded,
        "MiB with one product in use": first,
        "MiB after all were used": resident(),
        **percentiles("switch ms", wall.min(axis=0)),
        **percentiles("switch processor ms", processor.flatten()),
    }


def percentiles(name: str, values: NDArray[np.float64]) -> dict[str, float]:
    """Return the figures of some times; none where nothing was measured."""
    marks = () if np.isnan(values).any() else (50, 95)
    return {f"{name} p{mark}": float(np.percentile(values, mark)) for mark in marks}


def resident() -> float:
    """Return the resident memory of this process."""
    return float(psutil.Process().memory_info().rss / 2**20)


def text(table: pd.DataFrame) -> str:
    """Return the table for people."""
    many = table[table["products"] == PRODUCTS].set_index("adapters")
    rows = {
        "kB per further product, whole file (goal 300 own, 20 shared)": many[
            "bytes per further product"
        ] / 1000,
        "kB of it where decision.novelty=0": many["bytes without novelty"] / 1000,
        "MB of the file": many["bytes"] / 1e6,
        "load, s": many["load seconds"],
        "resident MiB, backbone alone": many["MiB of backbone alone"],
        "resident MiB, opened, one product in use": many["MiB with one product in use"],
        "resident MiB, after each product was used once": many["MiB after all were used"],
        "switch the product, ms, p50 (goal 5), best of five": many["switch ms p50"],
        "switch the product, ms, p95, best of five": many["switch ms p95"],
        "of it on the processor, ms, p50 of all passes": many["switch processor ms p50"],
        "of it on the processor, ms, p95 of all passes": many["switch processor ms p95"],
        f"processes that wanted one of {os.cpu_count()} cores meanwhile": many[
            "processes that wanted a core"
        ],
        "largest difference of a score through fp16": many["largest difference of a score"],
        "labels that fp16 changes": many["other labels"],
        "of test images": many["test images"],
    }  # fmt: skip
    lines = [
        "    scripts/reference edge",
        "",
        "1,000 products on one EfficientNet-Lite0, 224 px, in one bundle of `mlff pack` with",
        "precision=fp16: copies of one trained product (drawn metal, 60 validation images) whose",
        "weights were moved by a thousandth at random, so that no two are alike. Load: the file is",
        "opened and all of it hashed. Switch: the tensors of a product that was not in use are",
        f"read, hashed and built; the last {KEPT} stay in memory, and cost nothing. Of five passes",
        "over all products in random order the best time of each counts, because other processes",
        "wanted the cores as well. One thread.",
        "",
        "| 1,000 products | " + " | ".join(many.index) + " |",
        "| --- |" + " ---: |" * len(many),
    ]
    for name, values in rows.items():
        cells = " | ".join(f"{value:.4g}" for value in values)
        lines.append(f"| {name} | {cells} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    if len(sys.argv) == 1:
        main()
    else:
        print(json.dumps({"alone": alone, "open": opened}[sys.argv[1]](Path(sys.argv[2]))))
