"""What others take for the same: avalanche-lib and plain PyTorch beside mlff, one after another."""

import csv
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from bench import MLFF, Bench
from material import Material
from numpy.typing import NDArray
from peer_cases import BATCH_SIZE, CASES, LEARNING_RATE, WEIGHT_DECAY, Case
from processes import ROOT, Measured

from mlff_cli.errors import UserError
from mlff_cli.metrics.figures import final_average, forgetting, learning
from mlff_cli.metrics.mean_average_precision import METRIC
from mlff_cli.metrics.registry import computed
from mlff_cli.results.matrix import ScoreMatrix
from mlff_cli.results.matrix_file import read_csv
from mlff_cli.runs.record import RECORD, read_record
from mlff_cli.runs.splits_file import read_rows

FIGURE = 12
PEERS = Path(__file__).with_name("peers")


def require_peers() -> None:
    """Refuse to begin where avalanche-lib is missing.

    Raises:
        UserError: It is not installed; the message says how to install it.
    """
    if find_spec("avalanche") is None:
        raise UserError(
            "--peers compares with avalanche-lib, which is not installed (200 MB with what it "
            f"needs); install the extra peers: {sys.executable} -m pip install "
            f"-c {ROOT / 'constraints.txt'} -e '{ROOT}[peers]'"
        )


@dataclass(frozen=True)
class Work:
    """What all learn: images, passes over them, and the list of them that peers read."""

    material: Material
    epochs: int
    listed: Path


def against_peers(bench: Bench, material: Material, epochs: int) -> None:
    """Take figure 12: whole processes that learn the same images, in turn."""
    work = Work(material, epochs, bench.folder / "peers.csv")
    for repetition in range(bench.extent.repeat_long):
        for case in CASES:
            before = _busy_seconds()
            carry_out = _mlff if case.keys else _peer
            took, matrix = carry_out(bench, case, repetition, work)
            others = max(0.0, _busy_seconds() - before - took.cpu_seconds) / took.seconds
            bench.note(
                FIGURE, case.name, repetition,
                together_mib=took.together_mib, others_cores=others, **figures_of(matrix),
            )  # fmt: skip


def _mlff(bench: Bench, case: Case, repetition: int, work: Work) -> tuple[Measured, ScoreMatrix]:
    runs = bench.fresh("peer-runs")
    command = [
        *MLFF, "train", *work.material.overrides, *case.keys,
        f"data.image_size={bench.extent.size}", f"method.epochs={work.epochs}",
        f"paths.runs={runs}", f"paths.features={bench.fresh('store')}",
    ]  # fmt: skip
    took = bench.process(FIGURE, case.name, repetition, command, sampled=True)
    folder = next(runs.glob("*/*/DONE")).parent
    write_list(folder / "splits.csv", work.material.root, work.listed)
    steps = read_record(folder / RECORD).steps
    bench.note(
        FIGURE, case.name, repetition,
        learning_seconds=sum(s.extraction_seconds + s.training_seconds for s in steps),
        scoring_seconds=sum(s.scoring_seconds for s in steps),
    )  # fmt: skip
    return took, read_csv(folder / "matrix.csv")


def write_list(splits: Path, root: Path, listed: Path) -> None:
    """Write the images of a run as the peers read them, in its order and on its sides.

    Raises:
        RuntimeError: A run before had other images, or split them otherwise.
    """
    rows = [(root / row.name, row.split, row.product, row.labels) for row in read_rows(splits)]
    lines = [list(map(str, row)) for row in rows]
    if listed.exists():
        with listed.open(encoding="utf-8", newline="") as file:
            if list(csv.reader(file))[1:] != lines:
                raise RuntimeError(f"{splits}: the images are not those of the run before")
    with listed.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("path", "split", "product", "label"), *lines])


def _peer(bench: Bench, case: Case, repetition: int, work: Work) -> tuple[Measured, ScoreMatrix]:
    program, how = case.program
    output = bench.folder / "answers.npz"
    words = (how, work.listed, bench.extent.size, work.epochs,
             BATCH_SIZE, LEARNING_RATE, WEIGHT_DECAY, output)  # fmt: skip
    command = [sys.executable, str(PEERS / program), *map(str, words)]
    took = bench.process(FIGURE, case.name, repetition, command, sampled=True)
    with np.load(output) as answers:
        matrix = matrix_of(dict(answers))
        seconds = {
            f"{name}_seconds": float(answers[name].sum()) for name in ("learning", "scoring")
        }
    output.unlink()
    bench.note(FIGURE, case.name, repetition, **seconds)
    return took, matrix


def matrix_of(answers: dict[str, NDArray[Any]]) -> ScoreMatrix:
    """Return the score matrix of a peer's answers, by the metrics that mlff computes its own by."""
    products = sum(name.startswith("targets/") for name in answers)
    matrix = ScoreMatrix([str(number) for number in range(1, products + 1)], products)
    for trained, scored, scores in _scores(answers):
        targets = answers[f"targets/{scored}"]
        classes = [str(number) for number in range(scores.shape[1])]
        values = computed(("accuracy", "mean_average_precision"), scores, targets, classes)
        for metric, value in values.items():
            matrix.add(trained, scored, metric, value=value, n=len(targets))
    return matrix


def _scores(answers: dict[str, NDArray[Any]]) -> Iterator[tuple[int, int, NDArray[Any]]]:
    for name, scores in answers.items():
        kind, *numbers = name.split("/")
        if kind == "scores":
            trained, scored = map(int, numbers)
            yield trained, scored, scores


def figures_of(matrix: ScoreMatrix) -> dict[str, float]:
    """Return learning mAP, final mAP and forgetting in points."""
    scores = matrix.masked_array(METRIC.name)
    found = {
        "learning_map": learning(scores),
        "final_map": final_average(scores),
        "forgetting": forgetting(scores),
    }
    return {name: 100 * figure.value for name, figure in found.items()}


def _busy_seconds() -> float:
    """Return the seconds that all processors of this machine have worked for anybody."""
    times = psutil.cpu_times()
    return float(times.user + times.system + getattr(times, "nice", 0.0))
