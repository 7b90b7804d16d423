"""A run from Python: its files as data frames, its parts, its pictures."""

import csv
import math
from pathlib import Path

import pytest
from command_calls import refusal
from PIL import Image

from mlff_cli import UserError, open_run
from mlff_cli.runs.adapters_file import digest_of, part_digests


def lines(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("name", ["results", "matrix", "figures", "predictions", "splits"])
def test_a_table_is_its_file(run, name):
    frame, rows = getattr(run, name), lines(run.folder / f"{name}.csv")
    assert list(frame.columns) == list(rows[0]) and len(frame) == len(rows)
    for row, (_, found) in zip(rows, frame.iterrows(), strict=True):
        for column, cell in row.items():
            value = found[column]
            if isinstance(value, str):
                assert value == cell
            else:
                assert math.isnan(value) if cell == "" else value == float(cell)


def test_scores_are_a_matrix_of_trainings_and_products(run):
    scores = run.scores("mAP")
    assert scores.index.tolist() == [0, 1, 2] and scores.columns.tolist() == ["007", "valve"]
    own = run.matrix.query("metric == 'mAP' and experience_trained == 2 and name_scored == '007'")
    assert scores.loc[2, "007"] == own["value"].item()
    assert math.isnan(scores.loc[1, "valve"])
    with pytest.raises(UserError, match="no metric 'map'; choose one of: accuracy, mAP"):
        run.scores("map")


def test_all_experiences_together_have_a_column_where_one_head_grows(empty):
    from mlff_cli import train

    words = ("data.image_size=32", "data.images_per_class=5", "method.epochs=1")
    run = train("task=surface_defect", "schedule=by_class", *words)
    scores = run.scores("accuracy")
    assert scores.columns[0] == "all experiences together"
    assert scores.iloc[-1, 0] == run.results["final accuracy (all classes)"].item()
    left_out = run.results.filter(like="left out").iloc[0, 0]
    assert left_out.endswith("which have no value: crawling")


def test_its_parts_are_those_in_the_file(run):
    assert list(run.products.items()) == [(n, ("good", "scratch")) for n in ("007", "valve")]
    assert run.experiences == ("007", "valve")
    digests = part_digests(run.folder / "adapters")
    assert {head: digest_of(part) for head, part in run.adapters.items()} == digests


def test_its_page_and_pictures_are_files(run):
    assert run.report.read_text("utf-8").startswith("<!")
    assert {"matrix_mAP", "curve_mAP", "images"} <= run.pictures.keys()
    assert Image.open(run.pictures["matrix_mAP"]).format == "PNG"


def test_a_notebook_shows_its_row(run):
    assert repr(run) == f"Run({str(run.folder)!r})"
    assert "<th>learning mAP</th>" in run._repr_html_()


def test_a_run_is_opened_by_its_folder_from_anywhere(run, monkeypatch, tmp_path):
    monkeypatch.chdir(run.folder.parent)
    opened = open_run(run.folder.name)
    monkeypatch.chdir(tmp_path)
    assert opened.folder == run.folder and opened.results.equals(run.results)
    assert open_run(run) is run


def test_nothing_heavy_is_loaded_to_look_at_a_run(run):
    import subprocess
    import sys

    code = (
        f"import sys, mlff_cli; run = mlff_cli.open_run({str(run.folder)!r});"
        "run.results, run.experiences, run.pictures;"
        "print('torch' in sys.modules, 'matplotlib' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False False\n"


def test_what_is_no_finished_run_is_refused_in_the_words_of_the_command_line(run, tmp_path, empty):
    with pytest.raises(UserError) as error:
        open_run(tmp_path / "nowhere")
    assert str(error.value) == refusal("evaluate", str(tmp_path / "nowhere"))
    unfinished = tmp_path / "unfinished"
    unfinished.mkdir()
    (unfinished / "config.yaml").write_bytes((run.folder / "config.yaml").read_bytes())
    with pytest.raises(UserError) as error:
        open_run(unfinished)
    assert str(error.value) == refusal("evaluate", str(unfinished))


def test_a_missing_file_is_named(run, tmp_path):
    import shutil

    copied = Path(shutil.copytree(run.folder, tmp_path / "copied"))
    (copied / "matrix.csv").unlink()
    with pytest.raises(UserError, match=r"matrix\.csv: cannot be read"):
        _ = open_run(copied).matrix
