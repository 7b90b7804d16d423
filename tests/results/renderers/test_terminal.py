import io
from pathlib import Path

import pytest

from mlff_cli.results.renderers.terminal import (
    across,
    across_or_listed,
    console,
    show,
    side_by_side,
)
from mlff_cli.results.table import Column, Table
from mlff_cli.results.tables import results_table

ROW = {
    "scenario": "surface_defect",
    "method": "mlff",
    "backbone": "efficientnet_lite0",
    "seed": 3,
    "final mAP": 0.8,
    "saving (%)": 92.0,
}


def printed(table, width=120):
    from rich.console import Console

    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(table)
    return console.file.getvalue()


def test_columns_stay_below_each_other_where_letters_are_escapes(monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr("sys.stdout", stream)
    rows = [{"product": name, "n": 1} for name in ("\u6b63\u5e38", "s\u00fcd", "plain")]
    console().print(across(Table("", [Column("product"), Column("n", "count")], rows)))
    stream.flush()
    lines = stream.buffer.getvalue().decode("ascii").splitlines()
    assert any(r"\u6b63\u5e38" in line for line in lines) and any(
        r"s\xfcd" in line for line in lines
    )
    assert len({len(line) for line in lines if line.startswith("|")}) == 1


@pytest.mark.parametrize("width", [30, 200])
def test_no_word_is_cut_on_a_narrow_terminal(width, monkeypatch):
    class Narrow(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr("sys.stdout", Narrow())
    monkeypatch.setenv("COLUMNS", str(width))
    columns = [Column("method"), Column("final mAP", "fraction"), Column("folder")]
    rows = [{"method": "linear_probe", "final mAP": 0.5, "folder": "surface_defect/probe-4d241f"},
            {"method": "mlff", "folder": "surface_defect/mlff-1f2dba"}]  # fmt: skip
    text = printed(across_or_listed(Table("", columns, rows, ["a note"])), width)
    assert all(name in text for name in ("linear_probe", *(row["folder"] for row in rows)))
    assert "50.0 %" in text and "a note" in text and "\u2026" not in text
    assert ("\u2502" in text) == (width == 200)
    if width == 30:
        assert "mlff-1f2dba: method mlff a note" in " ".join(text.split())


def test_a_reader_that_leaves_is_for_the_command_line_to_see(monkeypatch):
    class Gone(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

    monkeypatch.setattr("sys.stdout", Gone())
    with pytest.raises(BrokenPipeError):
        console().print(across(Table("", [Column("a")], [{"a": "b"}])))


def test_terminal_shows_one_run_from_top_to_bottom():
    row = ROW | {"scenario": "[red]a"}
    text = printed(side_by_side(results_table([row], "result [x]")), width=70)
    assert "result [x]" in text
    assert "[red]a" in text
    assert "80.0 %" in text
    assert "seed" in text


def test_terminal_names_what_differs_and_lifts_out_what_does_not():
    rows = [ROW | {"method": method} for method in ("mlff", "finetune")]
    text = printed(
        side_by_side(results_table([*rows, {"method": "joint", "error": "boom"}], "comparison"))
    )
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
    text = printed(side_by_side(results_table(rows, "sweep")), width=60)
    assert text.count("sweep: steel") == text.count("sweep: tile") == 2
    assert all(text.count(f"m{n}") == text.count(f" {10 * n}.0 %") == 2 for n in range(6))


def test_terminal_shows_failed_runs_alone():
    text = printed(
        side_by_side(results_table([{"method": "joint", "seed": 1, "error": "boom"}], "sweep"))
    )
    assert text.strip() == "failed: method joint, seed 1: boom"


def test_across_has_a_line_for_each_row_and_notes_below():
    columns = [Column("[b]split"), Column("images", "count"), Column("share", "shown")]
    rows = [{"[b]split": "[red]train", "images": 1200, "share": "50.0 %"}]
    text = printed(across(Table("counts", columns, rows, ["a [i]note"])))
    lines = text.splitlines()
    assert lines[0].strip() == "counts" and lines[-1].strip() == "a [i]note"
    (line,) = [line for line in lines if "[red]train" in line]
    assert [cell.strip() for cell in line.split("│")[1:-1]] == ["[red]train", "1,200", "50.0 %"]
    assert "[b]split" in text


def test_a_result_is_shown_with_its_folder(capsys):
    show(results_table([ROW], "result"), Path("runs") / "a")
    said = capsys.readouterr().out
    assert "result" in said and said.splitlines()[-1] == str(Path("runs") / "a")
