import csv
from io import StringIO

import pytest
from predictions_for_tests import predictions

from mlff_cli.metrics.registry import by_file
from mlff_cli.results.class_table import class_table, whole_table
from mlff_cli.results.experience_figures import figures_of
from mlff_cli.results.figures_table import FINAL, figures_table
from mlff_cli.results.matrix import ScoreMatrix
from mlff_cli.results.operating_points import choose
from mlff_cli.results.renderers import csv as as_csv


def scored(metrics=("mAP", "mae")):
    matrix = ScoreMatrix(["steel", "tile"], learned=2)
    for metric in metrics:
        matrix.add(1, 1, metric, value=0.9, n=10)
        matrix.add(2, 1, metric, value=0.8, n=10)
        matrix.add(2, 2, metric, value=0.7, n=11)
    return matrix


def lines(*arguments):
    return list(csv.DictReader(StringIO(as_csv.render(figures_table(*arguments)))))


def test_figures_stand_beside_their_definition_and_are_blank_without_a_value():
    rows = {(row["metric"], row["figure"]): row for row in lines(scored(), {})}
    assert float(rows["mAP", "forgetting"]["value"]) == pytest.approx(0.1)
    assert "j < T" in rows["mAP", "forgetting"]["definition"]
    assert "minus the error" in rows["mae", "forgetting"]["definition"]
    assert rows["mAP", "unseen"]["value"] == ""
    assert rows["mAP", "final average"]["left_out"] == "0"


def test_figures_count_what_they_leave_out():
    matrix = ScoreMatrix(["scratch", "pit"], learned=2)
    for trained, place, value in ((1, 1, float("nan")), (2, 1, float("nan")), (2, 2, 0.9)):
        matrix.add(trained, place, "mAP", value=value, n=5)
    found = {row["figure"]: row["left_out"] for row in lines(matrix, {})}
    assert found["learning"] == found["average incremental"] == found["backward transfer"] == "1"


def test_classes_and_operating_points_stand_below():
    final = predictions("ggss")
    figures = figures_of(final, [by_file("accuracy")], ("good",), "good")
    point = choose("steel", [predictions("ggss", split="validation")], "good", "max_escape", 0.02)
    found = {
        (row["experience"], row["class"], row["metric"]): row
        for row in lines(scored(), {"steel": figures}, [(point, final)])
        if row["experience"]
    }
    row = found["steel", "scratch", "recall"]
    assert (row["value"], row["high"], row["floor"], row["n"]) == ("1.0", "1.0", "0.0", "2")
    assert float(row["low"]) == pytest.approx(0.158, abs=0.001)
    assert row["figure"] == FINAL
    assert found["steel", "", "accuracy"]["floor"] == "0.5"
    assert found["steel", "", "threshold"]["figure"] == "at max_escape=0.02"
    assert float(found["steel", "", "escape"]["high"]) == pytest.approx(1 - 0.05**0.5)


def test_people_see_a_table_of_the_whole_and_one_of_the_classes():
    figures = figures_of(predictions("ggsp"), [by_file("accuracy")], ("good",), "good")
    whole, classes = whole_table(figures), class_table(figures)
    assert whole.rows == [
        {"metric": "accuracy", "score": "100.0 (39.8 to 100.0)", "floor": "50.0", "images": "4"}
    ]
    assert [row["class"] for row in classes.rows] == ["good", "scratch", "pit", "any defect"]
    assert classes.rows[1]["recall"] == "100.0 (2.5 to 100.0)"
    assert [column.title for column in classes.columns][:4] == [
        "class",
        "average precision",
        "floor",
        "AUROC",
    ]
