"""Whole runs on a GPU: their scores, their end after a kill, and their time."""

import csv
import json
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from math import inf
from pathlib import Path
from statistics import fmean

from gpu_check_findings import Finding
from gpu_check_sizes import Sizes

TRAIN = [sys.executable, str(Path(__file__).resolve().parent / "gpu_check_train.py")]

SCORES = ("learning mAP", "final mAP")

TRAINED, SOLVED = 0.03, {"fp32": 0.005, "bf16": 0.02}
"""How far means over seeds may lie from the CPU's.

Of training as in scripts/reproduce for another processor: a GPU draws other random numbers in
dropout. A closed form draws none: it differs as much as features do, whose convolutions on a GPU
round to TF32 or to half precision.
"""

COMPARED = ("matrix.csv", "predictions.csv", "adapters/adapters.safetensors")
RESUMED = ("trainer.checkpoint_every=1",)


def scores(folder: Path, sizes: Sizes) -> list[Finding]:
    """Compare the main job on the GPU, in both precisions, with the CPU's scores."""
    for name in ("cpu", "fp32", "bf16"):
        _carried_out(name, folder, sizes, _jobs(name, folder, sizes))
    found = []
    for method in ("mlff", "closed_form"):
        expected = _row(folder / "cpu", method)
        for name in ("fp32", "bf16"):
            row = _row(folder / name, method)
            bound = TRAINED if method == "mlff" else SOLVED[name]
            for score in SCORES:
                difference = row[score] - expected[score]
                found.append(
                    Finding(
                        "scores", f"{method}, {name}", f"{score} - the CPU's", difference,
                        f"within {bound:g}", "right" if abs(difference) <= bound else "wrong",
                        f"{row[score]:.4f} - {expected[score]:.4f}",
                    )
                )  # fmt: skip
    return found + [_peak(name, folder, "scores") for name in ("fp32", "bf16")]


def resume(folder: Path, sizes: Sizes) -> list[Finding]:
    """Kill the run in fp32 once it has left a state, give it again, and compare."""
    words = [_words("fp32", folder, sizes, "mlff", sizes.seeds[0])]
    if not (folder / "fp32" / "peak.json").is_file():
        _carried_out("fp32", folder, sizes, words)
    whole = _run_folder(folder / "fp32", "mlff", sizes.seeds[0])
    words = [_words("resumed", folder, sizes, "mlff", sizes.seeds[0], *RESUMED)]
    killed = _killed_on_its_way(folder / "resumed", words)
    _carried_out("resumed", folder, sizes, words)
    resumed = _run_folder(folder / "resumed", "mlff", sizes.seeds[0])
    same = [name for name in COMPARED if _bytes(whole / name) == _bytes(resumed / name)]
    apart = _farthest(whole / "matrix.csv", resumed / "matrix.csv")
    right = apart <= TRAINED
    return [
        Finding(
            "resume", "mlff, fp32", "largest difference of a score", apart, f"within {TRAINED:g}",
            ("right" if right else "wrong") if killed else "missing",
            f"the same bytes: {', '.join(same) or 'none'} of {len(COMPARED)} files"
            if killed
            else "it had ended before it could be killed",
        )
    ]  # fmt: skip


def finetune(folder: Path, sizes: Sizes) -> list[Finding]:
    """Take the time of an experience, in mixed precision."""
    if not (folder / "bf16" / "peak.json").is_file():
        _carried_out("bf16", folder, sizes, _jobs("bf16", folder, sizes))
    words = _words("finetune", folder, sizes, "finetune", sizes.seeds[0])
    _carried_out("finetune", folder, sizes, [words])
    seconds = {}
    found = []
    for name, method in (("bf16", "mlff"), ("finetune", "finetune")):
        row = _row(folder / name, method)
        seconds[method] = row["training seconds per experience"]
        found += [
            Finding("finetune", method, "training seconds per experience", seconds[method]),
            Finding(
                "finetune", method, "feature extraction seconds", row["feature extraction seconds"]
            ),
            Finding("finetune", method, "learning mAP", row["learning mAP"]),
            _peak(name, folder, "finetune"),
        ]
    ratio = seconds["finetune"] / max(seconds["mlff"], 1e-9)
    return [*found, Finding("finetune", "finetune / mlff", "training seconds", ratio)]


def _jobs(name: str, folder: Path, sizes: Sizes) -> list[list[str]]:
    """Return the main job for every seed, and once in closed form."""
    trained = [_words(name, folder, sizes, "mlff", seed) for seed in sizes.seeds]
    return [*trained, _words(name, folder, sizes, "closed_form", sizes.seeds[0])]


def _words(
    name: str, folder: Path, sizes: Sizes, method: str, seed: int, *further: str
) -> list[str]:
    own = folder / name
    gpu = sizes.device if name != "cpu" else "cpu"
    precision = "bf16" if name in ("bf16", "finetune") else "fp32"
    trainer = ["trainer=gpu", f"trainer.device={gpu}"] if gpu == "cuda" else ["trainer=cpu"]
    epochs = [] if method == "closed_form" else [f"method.epochs={sizes.epochs}"]
    fusion = ["fusion=normalised_means"] if method == "closed_form" else []
    return [
        "train", "task=surface_defect", f"method={method}", *fusion, *epochs, f"seed={seed}",
        *trainer, f"trainer.precision={precision}", *sizes.job, *further,
        f"paths.runs={own / 'runs'}", f"paths.features={own / 'features'}",
    ]  # fmt: skip


def _carried_out(name: str, folder: Path, sizes: Sizes, commands: Sequence[Sequence[str]]) -> None:
    own = folder / name
    own.mkdir(parents=True, exist_ok=True)
    # Its output is the part's, of which the last line is told where it fails.
    subprocess.run([*TRAIN, json.dumps(commands), str(own / "peak.json")], check=True, cwd=own)


def _killed_on_its_way(own: Path, commands: Sequence[Sequence[str]]) -> bool:
    """Start commands and kill them as soon as a state is on disk; return whether that was so."""
    own.mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen([*TRAIN, json.dumps(commands), str(own / "peak.json")], cwd=own)
    while process.poll() is None:
        if any(path.is_file() for path in own.glob("runs/*/*/state/*")):
            process.kill()
            return process.wait() == -signal.SIGKILL
        time.sleep(0.01)
    return False


def _run_folder(own: Path, method: str, seed: int) -> Path:
    """Return the folder of a finished run."""
    for file in sorted(own.glob(f"runs/*/{method}-*/results.csv")):
        if int(_cells(file)["seed"]) == seed:
            return file.parent
    raise FileNotFoundError(f"{own}: there is no finished run of {method} with seed {seed}")


def _row(own: Path, method: str) -> dict[str, float]:
    """Return the numbers of a method's runs, means over seeds."""
    rows = [_cells(file) for file in sorted(own.glob(f"runs/*/{method}-*/results.csv"))]
    if not rows:
        raise FileNotFoundError(f"{own}: there is no finished run of {method}")
    wanted = (*SCORES, "training seconds per experience", "feature extraction seconds")
    return {name: fmean(float(row[name]) for row in rows) for name in wanted}


def _cells(file: Path) -> Mapping[str, str]:
    with file.open(encoding="utf-8", newline="") as opened:
        (row,) = csv.DictReader(opened)
    return row


def _farthest(one: Path, other: Path) -> float:
    """Return the largest difference between the scores of two matrices; a blank is none."""
    with one.open(encoding="utf-8") as first, other.open(encoding="utf-8") as second:
        pairs = list(zip(csv.DictReader(first), csv.DictReader(second), strict=True))
    values = [(row["value"], also["value"]) for row, also in pairs]
    if any(bool(value) != bool(other) for value, other in values):
        return inf
    return max(abs(float(value) - float(other)) for value, other in values if value)


def _bytes(path: Path) -> bytes:
    return path.read_bytes()


def _peak(name: str, folder: Path, part: str) -> Finding:
    peak = json.loads((folder / name / "peak.json").read_text(encoding="utf-8"))
    return Finding(part, name, "peak GPU memory (MiB)", peak)
