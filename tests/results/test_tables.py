import io
import json
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mlff_cli.results.columns import COLUMNS, DEVIATION, formatted, read_csv, write_csv
from mlff_cli.results.matrix import ScoreMatrix
from mlff_cli.results.tables import (
    RunFacts,
    markdown_table,
    matrix_markdown,
    result_row,
    rich_table,
    summary,
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
        matrix.add(3, 1, 1, metric, value=0.9, n=10)
        matrix.add(3, 2, 1, metric, value=0.8, n=10)
        matrix.add(3, 2, 2, metric, value=0.7, n=11)
        if unseen:
            matrix.add(3, 2, 3, metric, value=0.6, n=12)
    return matrix


def cells(markdown, line):
    return [cell.strip() for cell in markdown.splitlines()[line].strip("|").split(" | ")]


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
    matrix.add(3, 2, 1, "mAP", value=0.8, n=10)
    matrix.add(3, 2, 2, "mAP", value=0.7, n=10)
    row = result_row(matrix, replace(FACTS, method="joint", training_seconds=(30.0,)))
    assert row["final mAP"] == pytest.approx(0.75)
    assert row["learning mAP"] is row["forgetting (mAP)"] is None
    assert row["training seconds per experience"] == 15


def test_what_was_not_measured_is_blank():
    facts = replace(FACTS, peak_memory_mib=float("nan"), full_parameters=0)
    row = result_row(scored(), facts)
    assert row["peak memory (MiB)"] is row["saving (%)"] is None


def test_summary_puts_the_definition_beside_the_number_and_null_where_not_computed():
    text = json.dumps(summary(scored(["mAP", "mae"]), 3), allow_nan=False)
    metrics = json.loads(text)["metrics"]
    assert metrics["mAP"]["forgetting"]["value"] == pytest.approx(0.1)
    assert "j < T" in metrics["mAP"]["forgetting"]["definition"]
    assert "minus the error" in metrics["mae"]["forgetting"]["definition"]
    assert metrics["mAP"]["unseen"]["value"] is None


def test_markdown_rounds_with_units_and_leaves_out_columns_without_values():
    table = markdown_table([result_row(scored(), FACTS)])
    by_title = dict(zip(cells(table, 0), cells(table, 2), strict=True))
    assert by_title["learning mAP"] == "80.0 %"
    assert by_title["forgetting (mAP)"] == "10.0"
    assert by_title["BWT (mAP)"] == "-10.0"
    assert by_title["trainable parameters"] == "80,000"
    assert by_title["saving (%)"] == "92.0 %"
    assert by_title["training seconds per experience"] == "6.00"
    assert by_title["feature extraction seconds"] == "20.5"
    assert by_title["peak memory (MiB)"] == "812"
    assert "unseen mAP" not in table
    assert "- learning mAP: mean over j of a\\[j,j\\]" in table
    assert "T is the number of experiences learned" in table


def test_a_blank_cell_stays_blank_beside_a_zero():
    rows = [{"method": "a", "final mAP": 0.0}, {"method": "b", "final mAP": None}]
    table = markdown_table(rows)
    assert cells(table, 2) == ["a", "0.0 %"]
    assert table.splitlines()[3] == "| b |  |"


@pytest.mark.parametrize(
    ("title", "value", "text"),
    [
        ("forgetting (mAP)", -0.0004, "0.0"),
        ("forgetting (mAP)", -0.0006, "-0.1"),
        ("learning mAP", 0.93849, "93.8 %"),
        ("learning mae", 0.012345, "0.0123"),
        ("learning mae", 12345.6, "12,346"),
        ("seed", 12345, "12345"),
        ("seeds", 3, "3"),
        ("training seconds per experience", 0.034, "0.03"),
        ("learning_rate", 0.001, "0.001"),
        ("scenario", "a\nb", "a b"),
        ("final mAP", None, ""),
    ],
)
def test_cells_are_rounded_as_their_column_asks(title, value, text):
    assert formatted({title: value}, title) == text


def test_deviation_stands_beside_its_mean():
    row = {"method": "mlff", "final mAP": 0.938, "final mAP deviation": 0.0042}
    assert cells(markdown_table([row]), 2) == ["mlff", "93.8 ± 0.4 %"]
    title = "feature extraction seconds"
    assert formatted({title: 12.34, title + DEVIATION: 0.51}, title) == "12.3 ± 0.5"
    assert "deviation" not in markdown_table([row])


def test_failed_runs_stand_below_the_table_with_their_error():
    rows = [
        {"scenario": "s", "method": "mlff", "seed": 0, "final mAP": 0.5},
        {"scenario": "s", "method": "mlff", "seed": 1, "error": "out of\nmemory | *"},
    ]
    table = markdown_table(rows)
    assert len([line for line in table.splitlines() if line.startswith("|")]) == 3
    assert "- scenario s, method mlff, seed 1: out of memory \\| \\*" in table
    assert "error" not in cells(table, 0)
    assert markdown_table(rows[1:]).startswith("Failed runs:")


@settings(max_examples=150)
@given(st.text(max_size=20), st.text("|\\<>`*[]_~&$ a\n", max_size=12))
@example("R&amp;D &lt;1 mm", r"C:\\|x\\")
@example("<b>*x*</b> ~~y~~ $z$", "[a](b) `c` __d__")
def test_markdown_shows_labels_letter_by_letter(first, second):
    from markdown_it import MarkdownIt

    from mlff_cli.results.labels import plain

    rows = [{"scenario": first, "method": second, "backbone": "end", "final mAP": 0.5}]
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(markdown_table(rows))
    texts = [token for token in tokens if token.type == "inline"]
    shown = [name for name in ("scenario", "method") if plain(str(rows[0][name]))]
    columns = len(shown) + 2
    for token, name in zip(texts[columns:], shown, strict=False):
        assert "".join(child.content for child in token.children) == plain(rows[0][name])
        assert {child.type for child in token.children} <= {"text", "text_special"}
    assert texts[2 * columns - 1].content == "50.0 %"


def test_matrix_as_a_table_of_names_blank_where_not_computed():
    matrix = ScoreMatrix(["steel|sheet", "tile"], learned=2)
    matrix.add(0, 1, 1, "mAP", value=0.912, n=10)
    matrix.add(0, 2, 1, "mAP", value=0.0, n=10)
    matrix.add(0, 2, 2, "mAP", value=1.0, n=10)
    assert matrix_markdown(matrix, "mAP", 0).splitlines() == [
        r"| mAP | steel\|sheet | tile |",
        "| --- | ---: | ---: |",
        r"| after steel\|sheet | 91.2 % |  |",
        "| after tile | 0.0 % | 100.0 % |",
    ]
    matrix.add(0, 0, 2, "mae dx", value=1.2345, n=10)
    assert matrix_markdown(matrix, "mae dx", 0).splitlines()[2:] == ["| untrained |  | 1.23 |"]


def test_rows_survive_csv_exactly(tmp_path):
    rows = [
        result_row(scored(unseen=True), FACTS) | {"epochs": "8"},
        {"scenario": "a,b", "method": "joint", "seed": 4, "error": 'says "no"\r\nand stops'},
    ]
    write_csv(tmp_path / "results.csv", rows)
    read = read_csv(tmp_path / "results.csv")
    assert {title: read[0][title] for title in rows[0]} == rows[0]
    assert read[1]["scenario"] == "a,b"
    assert read[1]["error"] == 'says "no" and stops'
    assert read[1]["final mAP"] is None
    header = (tmp_path / "results.csv").read_text().splitlines()[0].split(",")
    assert header.index("epochs") == header.index("fusion") + 1
    assert [title for title in header if title != "epochs"] == [
        title for title in COLUMNS if title in header
    ]
    write_csv(tmp_path / "again.csv", read)
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "results.csv").read_bytes()


def test_a_results_file_that_is_wrong_names_the_place(tmp_path):
    from mlff_cli.errors import UserError

    path = tmp_path / "results.csv"
    path.write_text("scenario,final mAP\ns,much\n")
    with pytest.raises(UserError, match=r"results\.csv, line 2: final mAP must be a number"):
        read_csv(path)
    path.write_text("scenario\ns,0.5\n")
    with pytest.raises(UserError, match="line 2: there are more cells than columns"):
        read_csv(path)
    with pytest.raises(UserError, match=r"cannot read the results .*absent\.csv"):
        read_csv(tmp_path / "absent.csv")


def printed(table, width=120):
    from rich.console import Console

    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(table)
    return console.file.getvalue()


def test_terminal_shows_one_run_from_top_to_bottom():
    row = result_row(scored(), FACTS) | {"scenario": "[red]a"}
    text = printed(rich_table([row], "result [x]"), width=70)
    assert "result [x]" in text
    assert "[red]a" in text
    assert "80.0 %" in text
    assert "seed" in text


def test_terminal_names_what_differs_and_lifts_out_what_does_not():
    rows = [result_row(scored(), replace(FACTS, method=m)) for m in ("mlff", "finetune")]
    text = printed(rich_table([*rows, {"method": "joint", "error": "boom"}], "comparison"))
    heading = next(line for line in text.splitlines() if "mlff" in line)
    assert "finetune" in heading
    assert text.startswith("comparison")
    assert "backbone efficientnet_lite0" in text
    assert "failed: method joint: boom" in text
    assert "92.0 %" in text


def test_terminal_shows_scenarios_and_many_runs_in_tables_of_their_own():
    rows = [
        {"scenario": scenario, "method": f"m{n}", "final mAP": n / 10}
        for scenario in ("steel", "tile")
        for n in range(6)
    ]
    text = printed(rich_table(rows, "sweep"), width=60)
    assert text.count("sweep: steel") == text.count("sweep: tile") == 2
    assert all(text.count(f"m{n}") == text.count(f" {10 * n}.0 %") == 2 for n in range(6))


def test_terminal_shows_failed_runs_alone():
    text = printed(rich_table([{"method": "joint", "seed": 1, "error": "boom"}], "sweep"))
    assert text.strip() == "failed: method joint, seed 1: boom"


def test_a_row_of_a_seed_that_was_not_scored_is_refused():
    with pytest.raises(ValueError, match=r"the seeds \[3\], and not 4"):
        result_row(scored(), replace(FACTS, seed=4))
