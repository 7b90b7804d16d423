"""Makes the paper's table on embedded images anew and compares it with the reference.

  scripts/reproduce                the small table, runs/reference/paper_table_small
  scripts/reproduce --whole        the whole one, runs/reference/paper_table
  scripts/reproduce --write        make the reference instead of comparing with it
  scripts/reproduce --table FILE   compare a results.csv that is there already

Compared are the means of scores and forgetting, parameters, tasks and seeds. A method on a frozen
backbone may differ by 3 percentage points, full fine-tuning by 10: its many steps carry the
rounding of other processors further (measured: the same run in one thread and in two differs by up
to 8 points for one seed, and not at all in the same number of threads). Differences and verdicts
follow from these; times and memory are a machine's own. Ends with exit code 1 when something is
out of tolerance, or a run failed.
"""

import argparse
import csv
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "runs" / "reference"
FILES = ("results.csv", "results.md")

SMALL = ("seed=0,1", "data.image_size=64", "data.images_per_class=16")
"""What makes the table small. No setting of a method is changed, and none is tuned on it."""

SCORES = ("accuracy", "mAP", "forgetting (mAP)")
"""How the compared columns of scores end."""

EXACT = ("scenario", "tasks", "backbone", "seeds", "trainable parameters", "saving (%)")
"""Other compared columns, or how they end."""

TOLERANCES = {"finetune": 0.10, "mlff": 0.03, "linear_probe": 0.03, "joint": 0.03}
"""By the method that a column of scores begins with; fractions."""

Row = Mapping[str, str]


def main() -> int:
    """Carry out what the command line asks for; return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--whole", action="store_true", help="not the small table but the whole")
    parser.add_argument("--write", action="store_true", help="make the reference")
    parser.add_argument("--table", type=Path, help="a results.csv to compare, nothing is run")
    parser.add_argument("--output", type=Path, help="keep runs and table in this folder")
    asked = parser.parse_args()
    reference = REFERENCE / ("paper_table" if asked.whole else "paper_table_small")
    if not asked.write and not (reference / FILES[0]).is_file():
        sys.exit(f"{reference / FILES[0]}: there is no reference; make it with --write")
    if asked.table:
        return report(read(reference / FILES[0]), read(asked.table))
    with tempfile.TemporaryDirectory() as scratch:
        folder = (asked.output or Path(scratch)).resolve()
        table = make(folder, () if asked.whole else SMALL)
        if table is None:
            return 1
        if asked.write:
            reference.mkdir(parents=True, exist_ok=True)
            for name in FILES:
                shutil.copy(table / name, reference)
            print(f"written: {reference}")
            return 0
        return report(read(reference / FILES[0]), read(table / FILES[0]))


def make(folder: Path, overrides: Sequence[str]) -> Path | None:
    """Make the table from nothing, in `folder`; return where it lies, None where a run failed."""
    folder.mkdir(parents=True, exist_ok=True)
    words = ["sweep", "experiment=paper_table", *overrides, "trainer.processes=2"]
    print(f"mlff {' '.join(words)}", flush=True)
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "mlff_cli", *words],
        cwd=folder,
        check=False,
        # One thread for each run gives the same numbers however many cores there are.
        env={**os.environ, "OMP_NUM_THREADS": "1", "MLFF_CACHE": str(folder / "cache"),
             "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    print(f"{(time.perf_counter() - started) / 60:.1f} minutes")
    tables = sorted(folder.glob("runs/sweeps/*/paper_table"), key=lambda path: path.stat().st_mtime)
    return tables[-1] if tables and done.returncode == 0 else None


def read(path: Path) -> list[Row]:
    """Return the rows of a table, every cell as text."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def report(reference: Sequence[Row], made: Sequence[Row]) -> int:
    """Print what was compared and every difference; return 1 when one is out of tolerance."""
    compared, moved, wrong = differences(reference, made)
    for line in moved:
        print(f"within tolerance: {line}")
    for line in wrong:
        print(f"OUT OF TOLERANCE: {line}")
    print(f"{compared} cells compared, {len(moved) + len(wrong)} differ, {len(wrong)} too much")
    return int(bool(wrong))


def differences(reference: Sequence[Row], made: Sequence[Row]) -> tuple[int, list[str], list[str]]:
    """Return the number of cells compared, and a line on each that differs: tolerably, or not."""
    compared = 0
    moved: list[str] = []
    wrong: list[str] = []
    rows = {row["scenario"]: row for row in made}
    extra = rows.keys() - {row["scenario"] for row in reference}
    wrong += [f"{name}: a row that the reference has not" for name in sorted(extra)]
    for old in reference:
        name = old["scenario"]
        if name not in rows:
            wrong.append(f"{name}: the row is missing")
            continue
        for column, before in old.items():
            tolerance = tolerance_of(column)
            if tolerance is None:
                continue
            compared += 1
            now = rows[name].get(column, "")
            if now == before:
                continue
            line = f"{name}, {column}: {before or 'blank'} -> {now or 'blank'}"
            try:
                fits = abs(float(now) - float(before)) <= tolerance
            except ValueError:
                fits = False
            (moved if fits else wrong).append(line)
    return compared, moved, wrong


def tolerance_of(column: str) -> float | None:
    """Return how far a column may move; None where it is not compared."""
    if column.startswith("paper: "):
        return None
    if column.endswith(EXACT):
        return 0.0
    method = column.partition(" ")[0]
    return TOLERANCES.get(method) if column.endswith(SCORES) and " - " not in column else None


if __name__ == "__main__":
    sys.exit(main())
