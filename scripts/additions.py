"""Five batches added one by one to a finished run, its images thrown away, against all at once.

Called by `scripts/reference additions <data>` in a folder of its own, where `data` is the folder of
the real images. Writes results.csv and results.md. Of each set of images, six batches on one shared
head, three seeds:

- added: a run on the first batch, then five times `mlff train from=`; before each, all images
  learned so far are deleted, so that exemplars alone hold what was learned;
- in one run: the same batches in turn, every image at hand;
- joint: all batches at once.
"""

import csv
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import pandas as pd
from PIL import Image

from mlff_cli.config.composition import compose_config
from mlff_cli.runs.listing import listing_of
from mlff_cli.tasks.record import Record

SEEDS = (0, 1, 2)
FIGURES = ("learning mAP", "final mAP", "forgetting (mAP)")


def main() -> None:
    """Measure both sets of images and write one table."""
    rows = []
    for name, batches, words in (
        (
            "drawn: chip resistors, 128 px",
            drawn,
            ("data.variations=[brightness]", "data.good=aligned"),
        ),
        ("real: exposures of magnetic tiles, 128 px", real, ()),
    ):
        for seed in SEEDS:
            for way, row in measured(batches, [*words, f"seed={seed}"]):
                rows.append({"images": name, "way": way, "seed": seed} | row)
                print(rows[-1], flush=True)
    table = pd.DataFrame(rows)
    table.to_csv("results.csv", index=False)
    Path("results.md").write_text(text(table), encoding="utf-8")


def drawn() -> Iterator[list[Record]]:
    """Yield the records of six batches: five of one seed, and the first of another."""
    for generator, count in ((0, 5), (1, 1)):
        words = ["dataset=placement", f"data.generator_seed={generator}"]
        records = listing_of(compose_config("train", words)).records
        for batch in list(dict.fromkeys(record.batch for record in records))[:count]:
            yield [record for record in records if record.batch == batch]


def real() -> Iterator[list[Record]]:
    """Yield the records of six exposures of the same tiles."""
    words = ["dataset=magnetic_tile", "data.root=data", "data.labelling=good_defect"]
    records = listing_of(compose_config("train", [*words, "data.exposures=[1,2,3,4,5,6]"])).records
    for batch in sorted({record.batch for record in records}):
        yield [record for record in records if record.batch == batch]


def measured(
    batches: Callable[[], Iterator[list[Record]]], words: Sequence[str]
) -> Iterator[tuple[str, dict[str, float | None]]]:
    """Yield each way of learning, and the figures that it ends with."""
    work = Path("work")
    shutil.rmtree(work, ignore_errors=True)
    files = [written(work / str(number), number, part) for number, part in enumerate(batches(), 1)]
    whole = joined(files, work / "whole.csv")
    common = ["dataset=csv", "schedule=by_batch", "task=custom", "data.image_size=128", *words]
    yield "in one run", figures(train([*common, f"data.file={whole}"]))
    yield "joint", figures(train([*common, f"data.file={whole}", "method=joint", "fusion=local"]))
    run = train([*common, f"data.file={files[0]}"])
    for before, file in pairwise(files):
        for image in before.parent.glob("*.png"):
            image.unlink()
        run = train([f"from={run}", "dataset=csv", f"data.file={file}"])
    yield "added", figures(run)


def written(folder: Path, number: int, records: Sequence[Record]) -> Path:
    """Write a batch as files with a manifest; return the manifest."""
    folder.mkdir(parents=True)
    rows = [("path", "label", "batch", "group")]
    for place, record in enumerate(records):
        Image.fromarray(record.image.load()).save(folder / f"{place}.png")
        rows.append((f"{place}.png", record.labels[0], f"batch_{number}", record.group))
    return saved(folder / "list.csv", rows)


def joined(files: Sequence[Path], target: Path) -> Path:
    """Write one manifest over several."""
    rows: list[Sequence[str]] = [("path", "label", "batch", "group")]
    for file in files:
        with file.open(encoding="utf-8", newline="") as lines:
            _, *own = csv.reader(lines)
        rows += [(f"{file.parent.name}/{path}", *others) for path, *others in own]
    return saved(target, rows)


def saved(file: Path, rows: Sequence[Sequence[str]]) -> Path:
    """Write rows as CSV; return the file."""
    with file.open("w", encoding="utf-8", newline="") as lines:
        csv.writer(lines).writerows(rows)
    return file


def train(words: Sequence[str]) -> Path:
    """Train and return the folder of the run."""
    command = [sys.executable, "-m", "mlff_cli", "train", *words]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return Path(done.stdout.strip().rpartition("\n")[2]).parent


def figures(run: Path) -> dict[str, float | None]:
    """Return what a run ended with, in percent."""
    with (run / "results.csv").open(encoding="utf-8", newline="") as lines:
        (row,) = csv.DictReader(lines)
    return {name: 100 * float(row[name]) if row.get(name) else None for name in FIGURES}


def text(table: pd.DataFrame) -> str:
    """Return the table of means and standard deviations over seeds as Markdown."""
    lines = [
        "# Five batches added to a finished run, without its images", "",
        "    scripts/reference additions <data>", "",
        "| images | way | " + " | ".join(FIGURES) + " |",
        "|---|---|" + "---|" * len(FIGURES),
    ]  # fmt: skip
    for (images, way), rows in table.groupby(["images", "way"], sort=False):
        cells = [
            f"{rows[name].mean():.1f} ± {rows[name].std():.1f}" if rows[name].notna().all() else ""
            for name in FIGURES
        ]
        lines.append(f"| {images} | {way} | " + " | ".join(cells) + " |")
    seeds = ", ".join(map(str, SEEDS))
    lines += ["", f"Percent of test images; mean ± standard deviation over seeds {seeds}."]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
