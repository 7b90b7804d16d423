"""``mlff report``: tables and plots again from what runs have saved."""

import csv
import json
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
        for old, new in (("seed: 0\norder", "seed: 1\norder"), ('"seed": 0', '"seed": 1')):
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


def changed(file, old, new):
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.fixture
def twin(copy):
    """The same run in a second folder."""
    return shutil.copytree(copy, copy.with_name("mlff-twin"))


def rows(empty):
    (made,) = (empty / "runs" / "reports").iterdir()
    with (made / "results.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_run_that_lies_there_twice_counts_once(copy, twin, second, empty):
    changed(twin / "config.yaml", "processes: 0", "processes: 2")
    changed(twin / "config.yaml", "device: auto", "device: cpu")
    result = call("report", str(copy), str(twin), str(second))
    assert result.code == 0, result.err
    assert f"counted once: {twin} is the same run as {copy}" in " ".join(result.out.split())
    (row,) = rows(empty)
    assert row["seeds"] == "2"


def test_keys_that_change_no_result_make_no_rows_of_their_own(copy, second, empty):
    others = {"processes: 0": "processes: 2", "workers: -1": "workers: 0",
              "device: auto": "device: cpu", "table: means": "table: paper"}  # fmt: skip
    for old, new in others.items():
        changed(second / "config.yaml", old, new)
    assert call("report", str(copy), str(second)).code == 0
    (row,) = rows(empty)
    assert row["seeds"] == "2" and "trainer.device" not in row


def test_one_run_with_two_results_is_refused(copy, twin, empty):
    line = next(
        line for line in (twin / "matrix.csv").read_text().splitlines() if ",mAP,0." in line
    )
    changed(twin / "matrix.csv", line, line.replace(",mAP,0.", ",mAP,0.0"))
    said = refusal("report", str(copy), str(twin))
    assert "their scores differ" in said and str(copy) in said and str(twin) in said


def test_runs_on_other_images_are_told_apart_by_them(copy, twin, empty):
    data = json.loads((twin / "run.json").read_text(encoding="utf-8"))["data"]
    changed(twin / "run.json", data, "f" * 64)
    result = call("report", str(copy), str(twin))
    assert result.code == 0, result.err
    assert [row["images"] for row in rows(empty)] == [data[:8], "f" * 8]


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


def test_thresholds_are_chosen_anew_without_training(run_folder, empty):
    result = call("report", str(run_folder), "operating_point.max_overkill=0.5", "output=anew")
    assert result.code == 0, result.err
    figures = (empty / "anew" / "figures.csv").read_text("utf-8")
    assert "brushed_metal,,overkill,at max_overkill=0.5" in figures
    assert "max_escape" not in figures
    before = (run_folder / "figures.csv").read_text("utf-8")
    assert "at max_escape=0.02" in before
    both = ("operating_point.max_overkill=0.5", "operating_point.max_escape=0.5")
    assert "give max_escape= or max_overkill=" in refusal("report", str(run_folder), *both)
