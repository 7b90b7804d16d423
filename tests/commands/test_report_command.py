"""``mlff report``: tables and plots again from what runs have saved."""

import csv
import shutil

import pytest
from command_calls import call, refusal

TABLES = ("results.csv", "results.md", "figures.csv")


@pytest.fixture
def copy(run_folder, tmp_path):
    """A copy of the run whose tables and plots are gone, and all that made them."""
    folder = shutil.copytree(run_folder, tmp_path / "runs, old" / "surface_defect" / "mlff-copy")
    for path in [*(folder / name for name in TABLES), *folder.glob("*.png")]:
        path.unlink()
    shutil.rmtree(folder / "adapters")
    return folder


def test_tables_and_plots_come_from_what_was_saved_into_a_folder_of_their_own(
    run_folder, copy, empty
):
    before = {path: path.stat().st_mtime_ns for path in copy.rglob("*")}
    result = call("report", str(copy))
    assert result.code == 0, result.err
    (made,) = (empty / "runs" / "reports").iterdir()
    assert made.name == "surface_defect-mlff-copy" and str(made.relative_to(empty)) in result.out
    for name in TABLES:
        assert (made / name).read_bytes() == (run_folder / name).read_bytes()
    plots = {path.name for path in run_folder.glob("*.png")} - {"images.png"}
    assert {path.name for path in made.glob("*.png")} == plots
    assert {path: path.stat().st_mtime_ns for path in copy.rglob("*")} == before
    assert call("report", str(copy)).code == 0  # its own files it may write again


def test_nothing_that_it_did_not_write_is_overwritten(run_folder, copy, empty):
    (empty / "mine").mkdir()
    (empty / "mine" / "results.md").write_text("notes")
    said = refusal("report", str(copy), "output=mine")
    assert "results.md would be overwritten" in said and "output=" in said
    assert [path.name for path in (empty / "mine").iterdir()] == ["results.md"]
    assert "would be overwritten" in refusal("report", str(copy), f"output={run_folder}")


@pytest.fixture
def second(copy):
    """The same run with another seed, by hand."""
    folder = shutil.copytree(copy, copy.with_name("mlff-second"))
    for name in ("config.yaml", "run.json"):
        text = (folder / name).read_text(encoding="utf-8")
        for old, new in (("\nseed: 0", "\nseed: 1"), ('"seed": 0', '"seed": 1')):
            text = text.replace(old, new)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_several_runs_end_in_one_table(copy, second, empty):
    result = call("report", str(copy), str(second))
    assert result.code == 0, result.err
    (made,) = (empty / "runs" / "reports").iterdir()
    assert made.name.startswith("2-runs-")
    assert {path.name for path in made.iterdir() if not path.name.startswith(".")} == {
        "results.csv", "results.md", "runs.csv", "comparison.png", "report.html"
    }  # fmt: skip
    with (made / "results.csv").open(encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert row["seeds"] == "2"
    assert "2 runs" in result.out and "±" in result.out


def test_a_folder_of_runs_stands_for_all_finished_ones_in_it(copy, second, empty, tmp_path):
    shutil.copytree(copy, copy.with_name("mlff-unfinished"))
    (copy.with_name("mlff-unfinished") / "DONE").unlink()
    parent = copy.parents[1]
    result = call("report", str(parent), str(copy), "output=the table")
    assert result.code == 0, result.err
    assert "2 runs" in result.out
    assert [path.name for path in empty.iterdir()] == ["the table"]


def test_runs_that_differ_in_nothing_known_are_not_averaged(copy, empty):
    twin = shutil.copytree(copy, copy.with_name("mlff-twin"))
    assert "2 runs of seed 0" in refusal("report", str(copy), str(twin))


def test_a_table_of_several_never_overwrites_a_runs_own(copy, second, run_folder, empty):
    said = refusal("report", str(copy), str(second), f"output={run_folder}")
    assert "results.csv" in said and "output=" in said
    assert not (run_folder / "runs.csv").exists()


def test_a_folder_without_a_finished_run_is_refused(empty):
    assert "no finished run" in refusal("report", ".")


def test_a_damaged_matrix_is_named(copy, empty):
    text = (copy / "matrix.csv").read_text()
    (copy / "matrix.csv").write_text(text.replace("mAP", "mAPP", 1))
    said = refusal("report", str(copy))
    assert "matrix.csv, line" in said and "mAPP" in said
