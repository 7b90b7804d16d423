"""The comparison of a table with its reference; making one takes minutes and is the script's."""

import csv
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[1] / "scripts" / "reproduce.py"
ROW = {
    "scenario": "surfaces",
    "tasks": "surface_defect",
    "seeds": "2",
    "finetune learning mAP": "0.9",
    "mlff learning mAP": "0.88",
    "mlff learning mAP (std)": "0.01",
    "mlff forgetting (mAP)": "0.02",
    "difference in learning mAP": "-0.02",
    "difference in learning mAP: verdict": "worse",
    "mlff - linear_probe unseen mAP": "0.1",
    "mlff trainable parameters": "200000",
    "mlff training seconds per experience": "1.5",
    "mlff peak memory (MiB)": "600",
    "paper: mlff learning accuracy": "0.938",
    "joint final mAP": "",
}


@pytest.fixture(scope="module")
def script():
    specification = importlib.util.spec_from_file_location("reproduce", SCRIPT)
    assert specification and specification.loader
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_the_same_table_differs_nowhere(script):
    assert script.differences([ROW], [ROW]) == (8, [], [])


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("finetune learning mAP", "0.82"),
        ("mlff learning mAP", "0.905"),
        ("mlff forgetting (mAP)", "-0.005"),
    ],
)
def test_what_is_within_tolerance_is_said(script, column, value):
    _, moved, wrong = script.differences([ROW], [ROW | {column: value}])
    assert wrong == [] and moved == [f"surfaces, {column}: {ROW[column]} -> {value}"]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("finetune learning mAP", "0.79"),
        ("mlff learning mAP", "0.84"),
        ("mlff learning mAP", ""),
        ("mlff learning mAP", "nan"),
        ("joint final mAP", "0.5"),
        ("mlff trainable parameters", "200001"),
        ("tasks", "surface_defect, cross_product"),
        ("seeds", "1"),
    ],
)
def test_what_is_out_of_tolerance_is_found(script, column, value):
    _, moved, wrong = script.differences([ROW], [ROW | {column: value}])
    assert moved == [] and len(wrong) == 1 and column in wrong[0]


@pytest.mark.parametrize(
    "column",
    [
        "mlff learning mAP (std)",
        "mlff training seconds per experience",
        "mlff peak memory (MiB)",
        "difference in learning mAP: verdict",
    ],
)
def test_times_memory_and_what_follows_from_scores_are_not_compared(script, column):
    assert script.differences([ROW], [ROW | {column: "7"}])[1:] == ([], [])


def test_rows_that_are_missing_or_too_many(script):
    other = ROW | {"scenario": "placement"}
    assert script.differences([ROW, other], [ROW])[2] == ["placement: the row is missing"]
    assert len(script.differences([ROW], [ROW, other])[2]) == 1


def test_every_column_of_scores_of_the_table_is_compared(script):
    from mlff_cli.results.paper.table import BASELINES, FINETUNE, MLFF, PARITY

    for method in (FINETUNE, MLFF, *BASELINES):
        assert all(script.tolerance_of(f"{method} {score}") for score in PARITY)


def test_exit_code_and_messages_of_a_comparison(script, tmp_path):
    reference = tmp_path / "runs" / "reference" / "paper_table_small"
    reference.mkdir(parents=True)
    copy = tmp_path / "scripts" / "reproduce.py"
    copy.parent.mkdir()
    copy.write_text(SCRIPT.read_text())

    def write(path, row):
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, row)
            writer.writeheader()
            writer.writerow(row)
        return path

    def compared(table):
        command = [sys.executable, str(copy), "--table", str(table)]
        return subprocess.run(
            command, capture_output=True, text=True, check=False, env=dict(os.environ)
        )

    missing = compared(tmp_path / "made.csv")
    assert missing.returncode == 1 and "--write" in missing.stderr
    write(reference / "results.csv", ROW)
    same = compared(write(tmp_path / "made.csv", ROW))
    assert same.returncode == 0 and "8 cells compared, 0 differ" in same.stdout
    worse = compared(write(tmp_path / "made.csv", ROW | {"mlff learning mAP": "0.5"}))
    assert worse.returncode == 1
    assert "OUT OF TOLERANCE: surfaces, mlff learning mAP: 0.88 -> 0.5" in worse.stdout
