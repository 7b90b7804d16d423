"""Small products and batches of images that a class can be told from, and runs on them."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from command_calls import call
from PIL import Image

from mlff_cli.results.matrix import ScoreMatrix
from mlff_cli.results.matrix_file import read_csv

QUICK = (
    "data.image_size=32",
    "trainer.device=cpu",
    "trainer.workers=0",
    "trainer.batch_size=8",
    "splits.validation=0.25",
)
EPOCHS = ("method.epochs=2",)
LABELS = ("good", "scratch")


def image(file: Path, seed: int, label: str) -> None:
    """Write noise around a grey that the label says."""
    grey = {"good": 90, "scratch": 150, "dent": 200}[label]
    noise = np.random.default_rng(seed).integers(-40, 40, (32, 32, 3))
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray((grey + noise).astype(np.uint8)).save(file)


def products(root: Path, *names: str, count: int = 8, labels: Sequence[str] = LABELS) -> Path:
    """Write <root>/<product>/<label>/<number>.png and return root."""
    for name in names:
        for label in labels:
            for number in range(count):
                seed = sum(name.encode()) * 1000 + len(label) * 100 + number
                image(root / name / label / f"{number}.png", seed, label)
    return root


def manifest(root: Path, *batches: str, labels: Sequence[str] = LABELS, count: int = 8) -> Path:
    """Write a CSV of batches, each with images of these labels, of the same parts in each."""
    rows = [("path", "label", "batch", "group")]
    for batch in batches:
        for label in labels:
            for number in range(count):
                name = f"{batch}_{label}_{number}.png"
                image(root / name, sum(name.encode()) * 7 + number, label)
                rows.append((name, label, batch, f"{label}_{number}"))
    with (root / "list.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return root / "list.csv"


def trained(*words: str) -> tuple[str, str]:
    """Train; return the folder of the run, and what it logged."""
    result = call("train", *words)
    assert result.code == 0, result.err
    folder = Path(result.out.strip().rpartition("\n")[2]).parent
    return str(folder), (folder / "log.txt").read_text("utf-8")


def told(file: str = "told.csv") -> list[dict[str, str]]:
    """Return the answers of `mlff predict output=told.csv`."""
    with Path(file).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def read(folder: str, name: str) -> bytes:
    """Return the content of a file of a run."""
    return (Path(folder) / name).read_bytes()


def scores_of(folder: str) -> ScoreMatrix:
    """Return the score matrix of a run."""
    return read_csv(Path(folder) / "matrix.csv")
