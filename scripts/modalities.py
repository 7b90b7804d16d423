"""Several images of one part: each alone, all together, and all but one.

Called by `scripts/reference modalities <data>` in a folder of its own, where `data` is the folder
of the real images. Writes results.csv and results.md. Of two sets, three seeds:

- drawn: metal and ceramic, visual and thermal, where two defects of six classes show in one alone;
- real: magnetic tiles, good or defective, that have all six exposures.

For each: a run on every modality alone; the mean of the scores of these runs; one run on all of
them; that run where one modality of every test image is missing, the mean over which and the worst;
and the same without leaving any out in training (data.modality_dropout=0).
"""

import csv
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from mlff_cli.config.composition import compose_config
from mlff_cli.data.files import files_of
from mlff_cli.metrics.registry import computed
from mlff_cli.runs.building import build_scorer
from mlff_cli.runs.listing import listing_of
from mlff_cli.runs.reopen import OpenRun, reopen
from mlff_cli.tasks.experience import Experience
from mlff_cli.tasks.modalities import MultimodalImage, missing_of
from mlff_cli.tasks.record import ImageSource

SEEDS = (0, 1, 2)
EXPOSURES = tuple(f"exp{number}" for number in range(1, 7))
MAP = "mAP"
SETS = {
    "drawn: visual and thermal, 128 px": (
        ("visual", "thermal"),
        ("dataset=surfaces_thermal",),
    ),
    "real: six exposures of magnetic tiles, 128 px": (
        EXPOSURES,
        ("dataset=csv", "data.file=tiles.csv", "data.root=data", "data.good=good"),
    ),
}


def main() -> None:
    """Measure both sets and write one table."""
    write_tiles(Path("tiles.csv"))
    rows = []
    for name, (modalities, words) in SETS.items():
        for seed in SEEDS:
            for way, score in measured(modalities, [*words, "task=custom", f"seed={seed}"]):
                rows.append({"images": name, "way": way, "seed": seed, MAP: 100 * score})
                print(rows[-1], flush=True)
    table = pd.DataFrame(rows)
    table.to_csv("results.csv", index=False)
    Path("results.md").write_text(text(table), encoding="utf-8")


def write_tiles(file: Path) -> None:
    """List the tiles that have all exposures: a column for each, and path for the first."""
    words = ["dataset=magnetic_tile", "data.root=data", "data.labelling=good_defect"]
    named = f"data.modalities=[{','.join(EXPOSURES)}]"
    config = compose_config("train", [*words, named])
    root = Path("data").resolve()
    with file.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(["path", *(f"path_{name}" for name in EXPOSURES), "label"])
        for record in listing_of(config).records:
            if not missing_of(record.image, EXPOSURES):
                files = files_of(record.image)
                paths = [file.resolve().relative_to(root) for file in files]
                writer.writerow([paths[0], *paths, record.labels[0]])


def measured(modalities: Sequence[str], words: Sequence[str]) -> Iterator[tuple[str, float]]:
    """Yield each way of reading the images, and the mean mAP over experiences at the end."""
    alone = [trained([*words, f"data.modalities=[{name}]"]) for name in modalities]
    scores = [scored(run) for run in alone]
    best = max(range(len(alone)), key=lambda place: scores[place])
    for name, score in zip(modalities, scores, strict=True):
        yield f"{name} alone", score
    yield "the best alone", scores[best]
    yield "scores of each alone, averaged", averaged(alone)
    named = f"data.modalities=[{','.join(modalities)}]"
    for said, dropout in (("", []), (", none left out in training", ["data.modality_dropout=0"])):
        together = trained([*words, named, *dropout])
        without = [scored(together, name) for name in modalities]
        yield f"all{said}", scored(together)
        for name, score in zip(modalities, without, strict=True):
            yield f"all but {name}{said}", score
        if len(modalities) > 2:
            yield f"all but one, the mean{said}", float(np.mean(without))
            yield f"all but one, the worst{said}", min(without)


def trained(words: Sequence[str]) -> OpenRun:
    """Train and open the run."""
    command = [sys.executable, "-m", "mlff_cli", "train", *words]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    folder = Path(done.stdout.strip().rpartition("\n")[2]).parent
    config = compose_config("evaluate", [f"run='{folder}'"])
    return reopen(folder, trainer=config["trainer"], paths=config["paths"])


def scored(run: OpenRun, gone: str = "") -> float:
    """Return the mean mAP of a run's test images, without the images of one modality."""
    scorer = build_scorer(run.config, "test")
    values = [scorer(run.method, lacking(e, gone)).values[MAP] for e in run.task.experiences]
    return float(np.mean(values))


def averaged(runs: Sequence[OpenRun]) -> float:
    """Return the mean mAP of the mean scores of several runs on the same parts."""
    scorers = [build_scorer(run.config, "test") for run in runs]
    values = []
    for own in zip(*(run.task.experiences for run in runs), strict=True):
        parts = [s(r.method, e) for s, r, e in zip(scorers, runs, own, strict=True)]
        assert all(np.array_equal(part.targets, parts[0].targets) for part in parts)
        mean = np.mean([part.scores for part in parts], axis=0)
        found = computed(scorers[0].metrics, mean, parts[0].targets, parts[0].outputs)
        values.append(found[MAP])
    return float(np.mean(values))


def lacking(experience: Experience, gone: str) -> Experience:
    """Return an experience whose test images lack a modality."""
    test = [replace(record, image=without(record.image, gone)) for record in experience.test]
    return replace(experience, test=test)


def without(image: ImageSource, gone: str) -> ImageSource:
    """Return an image without one of its modalities."""
    if not isinstance(image, MultimodalImage):
        return image
    return MultimodalImage(tuple(part for part in image.parts if part[0] != gone))


def text(table: pd.DataFrame) -> str:
    """Return the table of means and standard deviations over seeds as Markdown."""
    lines = ["# Several images of one part", "", "    scripts/reference modalities <data>", ""]
    for images, own in table.groupby("images", sort=False):
        lines += [f"## {images}", "", "| way | final mAP | to the best alone |", "|---|---|---|"]
        best = own[own["way"] == "the best alone"].set_index("seed")[MAP]
        for way, rows in own.groupby("way", sort=False):
            found = rows.set_index("seed")[MAP]
            apart = found - best
            lines.append(
                f"| {way} | {found.mean():.1f} ± {found.std():.1f} | "
                f"{apart.mean():+.1f} (worst seed {apart.min():+.1f}) |"
            )
        lines.append("")
    seeds = ", ".join(map(str, SEEDS))
    lines += [f"Percent of test images; mean ± standard deviation over seeds {seeds}."]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
