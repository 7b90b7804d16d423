"""A metric that is added is one Python file, one YAML and one test: this one, with `added/`.

The Python file lies beside the package's own here, as a file of mlff_cli/metrics/ would. Columns,
tables, pictures, comparison and verification know it by nothing else.
"""

import csv
import sys
from pathlib import Path

import pytest
from tiny_task import TINY, write_images

from mlff_cli import metrics

ADDED = Path(__file__).with_name("added")
WORDS = (*TINY, "dataset=folder", "data.root=images", "paths.features=features",
         "head=classifier_by_errors", f"--config-dir={ADDED}")  # fmt: skip


@pytest.fixture
def added(monkeypatch):
    monkeypatch.setattr(metrics, "__path__", [*metrics.__path__, str(ADDED)])
    yield
    sys.modules.pop("mlff_cli.metrics.error_rate", None)


def rows(path):
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_from_training_to_comparison(added, mlff, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_images(tmp_path / "images")
    for seed in (0, 1):
        code, said = mlff("train", *WORDS, f"seed={seed}", pictures=True)
        assert code == 0, said
    assert "learning error rate" in said
    run, _ = tmp_path.glob("runs/custom/*")
    matrix = [float(row["value"]) for row in rows(run / "matrix.csv") if row["value"]]
    assert {row["metric"] for row in rows(run / "matrix.csv")} == {"error rate"}
    (row,) = rows(run / "results.csv")
    assert float(row["learning error rate"]) == pytest.approx((matrix[0] + matrix[-1]) / 2)
    assert {path.name for path in run.glob("*error_rate.png")} == {
        "matrix_error_rate.png",
        "curve_error_rate.png",
    }
    page = (run / "results.md").read_text()
    assert "a is minus the error; in percentage points" in page and "## error rate" in page
    assert mlff("verify", str(run), "trainer.device=cpu")[0] == 0

    code, said = mlff("report", "runs", "output=table")
    assert code == 0 and "final error rate" in said and "±" in said
    (means,) = rows(tmp_path / "table/results.csv")
    assert means["seeds"] == "2" and float(means["final error rate"]) <= 1
    assert (tmp_path / "table/comparison.png").stat().st_size > 1000


def test_without_the_file_the_name_is_refused_before_anything_is_trained(
    mlff, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    write_images(tmp_path / "images")
    code, said = mlff("train", *WORDS)
    assert code == 2 and "head.metrics: there is no metric 'error_rate'" in said
    assert not (tmp_path / "runs").exists()
