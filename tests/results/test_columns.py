from mlff_cli.results.columns import columns_of, differing, main_metric, score_columns


def titles(columns):
    return [column.title for column in columns]


def test_the_same_figure_of_all_metrics_stands_side_by_side():
    found = titles(column for column, *_ in score_columns())
    assert found.index("learning mAP") < found.index("final accuracy") < found.index("final mAP")
    kinds = {column.title: column.kind for column, *_ in score_columns()}
    assert kinds["final mAP"] == "fraction" and kinds["forgetting (mAP)"] == "points"
    assert kinds["final mae"] == kinds["forgetting (mae)"] == "number"


def test_keys_that_vary_stand_behind_what_a_run_is():
    row = {"error": "", "final mAP": 0.5, "final mAP deviation": None, "epochs": "8", "fusion": "f"}
    assert titles(columns_of([row, {"seeds": 2, "final mAP seeds": 1}])) == [
        "fusion",
        "epochs",
        "seeds",
        "final mAP",
        "error",
    ]


def test_rows_are_told_apart_by_names_in_which_they_differ():
    rows = [
        {"scenario": "s", "method": "a", "seed": 0, "final mAP": 0.1},
        {"scenario": "s", "method": "b", "seed": 0, "final mAP": 0.2, "error": "boom"},
    ]
    assert titles(differing(rows)) == ["method"]


def test_the_main_metric_is_the_one_that_most_is_known_of():
    scores = {"learning accuracy": 0.5, "final accuracy": 0.5, "final mAP": None}
    assert main_metric([scores]).name == "accuracy"
    more = {"final mAP": 0.1, "learning mAP": 0.1, "forgetting (mAP)": 0.1}
    assert main_metric([scores, more]).name == "mAP"
    assert main_metric([{"final mae": 0.1, "final mAP": None}]).name == "mae"
    assert main_metric([{"final mAP": None}]) is None
