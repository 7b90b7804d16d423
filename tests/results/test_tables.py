from dataclasses import replace

import pytest

from mlff_cli.results.matrix import ScoreMatrix
from mlff_cli.results.renderers import markdown as as_markdown
from mlff_cli.results.tables import (
    RunFacts,
    every_row,
    matrix_table,
    result_row,
    results_table,
    run_table,
)

FACTS = RunFacts(
    scenario="surface_defect",
    method="mlff",
    backbone="efficientnet_lite0",
    fusion="conv1x1",
    seed=3,
    trainable_parameters=80_000,
    full_parameters=1_000_000,
    training_seconds=(4.0, 8.0),
    extraction_seconds=20.5,
    peak_memory_mib=812.25,
    experiences=("steel", "tile"),
)


def scored(metrics=("accuracy", "mAP"), unseen=False):
    matrix = ScoreMatrix(["steel", "tile", *(["cell"] if unseen else [])], learned=2)
    for metric in metrics:
        matrix.add(1, 1, metric, value=0.9, n=10)
        matrix.add(2, 1, metric, value=0.8, n=10)
        matrix.add(2, 2, metric, value=0.7, n=11)
        if unseen:
            matrix.add(2, 3, metric, value=0.6, n=12)
    return matrix


def test_row_holds_the_figures_unrounded_and_blanks_as_none():
    row = result_row(scored(), FACTS)
    assert list(row) == [
        "scenario",
        "method",
        "backbone",
        "fusion",
        "seed",
        "learning accuracy",
        "learning mAP",
        "final accuracy",
        "final mAP",
        "forgetting (mAP)",
        "BWT (mAP)",
        "unseen mAP",
        "trainable parameters",
        "saving (%)",
        "training seconds per experience",
        "feature extraction seconds",
        "peak memory (MiB)",
    ]
    assert row["learning mAP"] == pytest.approx(0.8)
    assert row["final accuracy"] == pytest.approx(0.75)
    assert row["forgetting (mAP)"] == pytest.approx(0.1)
    assert row["BWT (mAP)"] == -row["forgetting (mAP)"]
    assert row["unseen mAP"] is None
    assert row["saving (%)"] == pytest.approx(92)
    assert row["training seconds per experience"] == 6
    assert result_row(scored(unseen=True), FACTS)["unseen mAP"] == 0.6


def test_row_of_a_regressor_has_columns_of_its_error_and_blank_accuracy():
    row = result_row(scored(["mae", "mae dx"]), FACTS)
    assert row["learning accuracy"] is None
    assert row["final mae"] == pytest.approx(0.75)
    # The error on steel fell from 0.9 to 0.8: nothing was forgotten.
    assert row["forgetting (mae)"] == pytest.approx(-0.1)
    assert "learning exact match" not in row
    assert result_row(scored(["mAP", "exact_match"]), FACTS)["learning exact match"] == (
        pytest.approx(0.8)
    )


def test_row_of_joint_training_has_final_scores_and_its_time_per_experience():
    matrix = ScoreMatrix(["steel", "tile"], learned=2)
    matrix.add(2, 1, "mAP", value=0.8, n=10)
    matrix.add(2, 2, "mAP", value=0.7, n=10)
    row = result_row(matrix, replace(FACTS, method="joint", training_seconds=(30.0,)))
    assert row["final mAP"] == pytest.approx(0.75)
    assert row["learning mAP"] is row["forgetting (mAP)"] is None
    assert row["training seconds per experience"] == 15


def test_what_was_not_measured_is_blank():
    facts = replace(FACTS, peak_memory_mib=None, full_parameters=0)
    row = result_row(scored(), facts)
    assert row["peak memory (MiB)"] is row["saving (%)"] is None


def by_class():
    """Two experiences of which the first one has images of a single class."""
    matrix = ScoreMatrix(["crack", "dent", "scratch"], learned=3)
    for trained in (1, 2, 3):
        for scored in range(1, trained + 1):
            value = float("nan") if scored == 1 else scored / 10 + trained / 100
            matrix.add(trained, scored, "accuracy", value=0.9, n=10)
            matrix.add(trained, scored, "mAP", value=value, n=10)
    return matrix


def test_row_says_which_experiences_a_figure_leaves_out():
    row = result_row(by_class(), FACTS)
    assert row["learning mAP"] == pytest.approx((0.22 + 0.33) / 2)
    assert row["final mAP"] == pytest.approx((0.23 + 0.33) / 2)
    said = "1 of 3 experiences, which have no value: crack"
    assert row["learning mAP left out"] == row["final mAP left out"] == said
    assert row["forgetting (mAP) left out"] == said
    assert row["learning accuracy"] == pytest.approx(0.9)
    assert "learning accuracy left out" not in row


def test_notes_say_what_is_left_out_and_in_which_rows():
    row = result_row(by_class(), FACTS)
    (note,) = results_table([row]).notes
    assert note == (
        "learning mAP, final mAP, forgetting (mAP), BWT (mAP) leave out "
        "1 of 3 experiences, which have no value: crack"
    )
    other = result_row(scored(), replace(FACTS, method="joint"))
    assert results_table([row, other]).notes == [f"mlff: {note}"]
    both = [row, result_row(by_class(), replace(FACTS, method="joint"))]
    assert results_table(both).notes == [note]
    nothing = {"method": "a", "final mAP": None, "final mAP left out": "2 of 2 experiences"}
    table = results_table([nothing])
    assert [column.title for column in table.columns] == ["method"]
    assert table.notes == ["final mAP leaves out 2 of 2 experiences"]
    alone = {"method": "a", "final mAP": 0.5, "final mAP left out": "1 of 2 experiences"}
    assert results_table([alone]).notes == ["final mAP leaves out 1 of 2 experiences"]


def test_people_see_columns_that_have_a_value_and_failed_runs_below():
    rows = [
        {"scenario": "s", "method": "mlff", "seed": 0, "final mAP": 0.5, "unseen mAP": None},
        {"scenario": "s", "method": "mlff", "seed": 1, "error": "out of\nmemory | *"},
    ]
    table = results_table(rows)
    assert [column.title for column in table.columns] == ["scenario", "method", "seed", "final mAP"]
    assert table.rows == rows[:1]
    assert table.notes == ["failed: scenario s, method mlff, seed 1: out of memory | *"]
    assert results_table(rows[1:]).rows == []


def test_machines_get_every_row_and_column():
    rows = [{"method": "a", "epochs": "8", "final mAP": None}, {"method": "b", "error": "boom"}]
    assert [column.title for column in every_row(rows).columns] == [
        "method",
        "epochs",
        "final mAP",
        "error",
    ]


def test_matrix_as_a_table_of_names_blank_without_a_value():
    matrix = ScoreMatrix(["steel|sheet", "tile"], learned=2)
    matrix.add(1, 1, "mAP", value=0.912, n=10)
    matrix.add(2, 1, "mAP", value=0.0, n=10)
    matrix.add(2, 2, "mAP", value=1.0, n=10)
    assert as_markdown.render(matrix_table(matrix, "mAP")).splitlines() == [
        r"| mAP | steel\|sheet | tile |",
        "| --- | ---: | ---: |",
        r"| after steel\|sheet | 91.2 % |  |",
        "| after tile | 0.0 % | 100.0 % |",
    ]
    matrix.add(0, 2, "mae dx", value=1.2345, n=10)
    table = as_markdown.render(matrix_table(matrix, "mae dx"))
    assert table.splitlines()[2:] == ["| untrained |  | 1.23 |"]


def test_experiences_that_are_called_alike_keep_their_cells():
    matrix = ScoreMatrix(["mAP", "a", "a", "a deviation"], learned=1)
    for scored in range(1, 5):
        matrix.add(1, scored, "mAP", value=scored / 10, n=10)
    table = matrix_table(matrix, "mAP")
    assert table.texts(table.rows[0]) == ["after mAP", "10.0 %", "20.0 %", "30.0 %", "40.0 %"]


def test_the_table_of_a_run_tells_what_its_error_is_of():
    one = scored(("mae", "mae Ra_micrometres"))
    assert run_table(one, FACTS).notes == ["mae is that of Ra_micrometres, in its unit"]
    several = scored(("mae", "mae dx_pixels", "mae angle_degrees"))
    assert run_table(several, FACTS).notes == [
        "mae is the mean over dx_pixels, angle_degrees, each in its own unit"
    ]
    shares = run_table(scored(), FACTS, "a title")
    assert shares == results_table([result_row(scored(), FACTS)], "a title")
    assert run_table(scored(("mae",)), FACTS).notes == []  # of a run that kept no target apart
