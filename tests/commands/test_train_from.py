"""``mlff train from=``: what was learned stays, and a run over all images would end the same."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from command_calls import call, refusal
from small_products import EPOCHS, LABELS, QUICK, manifest, products, read, scores_of, told, trained

from mlff_cli.runs.splits_file import read_rows


@pytest.fixture
def parent(tmp_path, empty):
    root = products(tmp_path / "old", "bolt", "nut")
    return trained("task=custom", f"data.root={root}", *QUICK, *EPOCHS)[0]


def test_a_further_product_ends_as_one_run_over_all_would(parent, tmp_path):
    new, whole = products(tmp_path / "new", "screw"), tmp_path / "whole"
    shutil.copytree(tmp_path / "old", whole)
    shutil.copytree(new, whole, dirs_exist_ok=True)
    child, said = trained(f"from={parent}", "task=custom", f"data.root={new}")
    together, _ = trained("task=custom", f"data.root={whole}", *QUICK, *EPOCHS)
    assert "goes on after experience 2 of 3" in said
    for name in ("adapters/adapters.safetensors", "matrix.csv", "predictions.csv"):
        assert read(child, name) == read(together, name), name
    record = json.loads(read(child, "run.json"))
    assert record["parent"] == read(parent, "DONE").decode().strip()
    assert record["facts"]["experiences"] == ["bolt", "nut", "screw"]
    assert call("verify", child).code == 0
    before = read(child, "run.json")
    assert trained(f"from={parent}", "task=custom", f"data.root={new}")[0] == child
    assert read(child, "run.json") == before


def test_old_products_answer_bit_by_bit_as_before(parent, tmp_path):
    new = products(tmp_path / "new", "screw")
    child, _ = trained(f"from={parent}", "task=custom", f"data.root={new}", "trainer.batch_size=8")
    before, after = (json.loads(read(run, "adapters/adapters.json")) for run in (parent, child))
    assert before["parts"].items() < after["parts"].items()
    old = json.loads(read(parent, "run.json"))["points"]
    assert [p for p in json.loads(read(child, "run.json"))["points"] if p in old] == old
    words = (str(tmp_path / "old" / "nut"), "product=nut")
    columns = []
    for run in (parent, child):
        assert call("predict", run, *words, "output=told.csv").code == 0
        names = ("content", "score good", "decision", "novelty")
        columns.append([[row[name] for name in names] for row in told()])
    assert columns[0] == columns[1]


def test_without_the_old_images_features_are_enough_and_without_both_cells_are_blank(
    parent, tmp_path
):
    new = products(tmp_path / "new", "screw")
    shutil.rmtree(tmp_path / "old")
    child, said = trained(f"from={parent}", "task=custom", f"data.root={new}")
    assert "blank" not in said
    final = scores_of(child).full_array("accuracy")[3]
    assert not np.isnan(final).any()
    other, said = trained(
        f"from={parent}", "task=custom", f"data.root={new}", "features.store=false", "seed=1"
    )
    assert "'bolt', 'nut' are at hand any more" in said
    matrix = scores_of(other).full_array("accuracy")
    assert np.isnan(matrix[3]).tolist() == [True, True, False]
    np.testing.assert_array_equal(matrix[:3], scores_of(child).full_array("accuracy")[:3])
    row = next(csv.DictReader(read(other, "results.csv").decode().splitlines()))
    assert row["final accuracy"] == ""  # no average over what happens to be there
    assert call("verify", other).code == 0
    assert call("predict", other, str(new / "screw"), "product=bolt").code == 0


def test_a_run_goes_on_from_one_that_went_on(parent, tmp_path):
    first = products(tmp_path / "first", "screw")
    second = products(tmp_path / "second", "washer")
    child, _ = trained(f"from={parent}", "task=custom", f"data.root={first}")
    grandchild, _ = trained(f"from={child}", "task=custom", f"data.root={second}")
    matrix = scores_of(grandchild)
    assert matrix.experiences == ("bolt", "nut", "screw", "washer")
    assert not np.isnan(matrix.full_array("accuracy")[4]).any()
    shutil.rmtree(parent)
    shutil.rmtree(child)  # it stands on its own
    assert call("verify", grandchild).code == 0, call("verify", grandchild)
    whole = tmp_path / "old" / "bolt"
    refused = refusal("evaluate", grandchild, "dataset=folder", f"data.root={whole.parent}")
    assert "was trained on" in refused


@pytest.mark.parametrize("method", ["mlff", "closed_form", "linear_probe", "finetune"])
def test_a_batch_on_a_shared_head(method, tmp_path, empty):
    old = manifest(tmp_path / "old", "monday", "tuesday")
    new = manifest(tmp_path / "new", "wednesday", labels=(*LABELS, "dent"))
    epochs = () if method == "closed_form" else EPOCHS
    words = ("dataset=csv", "task=custom", "schedule=by_batch", f"method={method}", *epochs)
    run, _ = trained(*words, f"data.file={old}", *QUICK)
    child, _ = trained(f"from={run}", "dataset=csv", f"data.file={new}")
    matrix = scores_of(child)
    assert matrix.experiences == ("monday", "tuesday", "wednesday")
    assert not np.isnan(matrix.full_array("accuracy")[3]).any()
    (head,) = json.loads(read(child, "adapters/adapters.json"))["heads"]
    assert head["outputs"] == ["good", "scratch", "dent"]
    assert call("verify", child).code == 0


def test_a_part_that_was_trained_on_is_not_scored_in_the_next_batch(tmp_path, empty):
    old, new = manifest(tmp_path / "old", "monday"), manifest(tmp_path / "new", "tuesday", count=9)
    words = ("dataset=csv", "task=custom", "schedule=by_batch", *EPOCHS)
    run, _ = trained(*words, f"data.file={old}", *QUICK)
    child, _ = trained(f"from={run}", "dataset=csv", f"data.file={new}")
    before, after = (
        {row.group: row.split for row in read_rows(Path(folder, "splits.csv"))}
        for folder in (run, child)
    )
    assert len(after) == len(before) + 2  # one more part of each label
    assert before.items() <= after.items()


def test_without_its_images_a_changed_head_keeps_no_old_threshold(tmp_path, empty):
    old = manifest(tmp_path / "old", "monday", "tuesday")
    new = manifest(tmp_path / "new", "wednesday")
    words = ("dataset=csv", "task=custom", "schedule=by_batch", *EPOCHS, "features.store=false")
    run, _ = trained(*words, f"data.file={old}", *QUICK)
    shutil.rmtree(tmp_path / "old")
    child, _ = trained(f"from={run}", "dataset=csv", f"data.file={new}")
    names = [p["experience"] for p in json.loads(read(child, "run.json"))["points"]]
    assert names == ["wednesday"]
    result = call("predict", child, str(tmp_path / "new"), "output=told.csv")
    assert result.code == 0, result.err
    assert all(row["novelty"] for row in told())  # by the exemplars of old ones


def test_classes_in_turn_go_on_with_a_further_class(tmp_path, empty):
    old = products(tmp_path / "old", "bolt")
    new = products(tmp_path / "new", "bolt", labels=("dent",))
    run, _ = trained("task=custom", "schedule=by_class", f"data.root={old}", *QUICK, *EPOCHS)
    child, _ = trained(f"from={run}", "task=custom", f"data.root={new}")
    matrix = scores_of(child)
    assert matrix.experiences == ("good+scratch", "dent")
    assert matrix.scored_together


def test_what_only_was_scored_stays_so(tmp_path, empty):
    old = products(tmp_path / "old", "bolt", "nut")
    new = products(tmp_path / "new", "screw")
    words = ("task=custom", "schedule=unseen_product", f"data.root={old}", *QUICK, *EPOCHS)
    run, _ = trained(*words)
    child, _ = trained(f"from={run}", "task=custom", f"data.root={new}")
    matrix = scores_of(child)
    assert (matrix.experiences, matrix.learned) == (("bolt", "screw", "nut"), 2)
    before = scores_of(run).full_array("mAP")
    np.testing.assert_array_equal(matrix.full_array("mAP")[1, [0, 2]], before[1])
    assert not np.isnan(matrix.full_array("accuracy")[2]).any()


def test_what_cannot_be_gone_on_with_is_refused(parent, tmp_path):
    new = products(tmp_path / "new", "screw")
    there = ("task=custom", f"data.root={new}")
    assert "needs the new images" in refusal("train", f"from={parent}")
    assert "is no run folder" in refusal("train", "from=runs/none", *there)
    same = refusal("train", f"from={parent}", "task=custom", f"data.root={tmp_path / 'old'}")
    assert "'bolt' is an experience of the run" in same
    for word, said in (
        ("fusion=conv1x1", "fusion: the run that from= names was made with 'local'"),
        ("backbone.levels=[1]", "backbone.levels"),
        ("method=closed_form", "method: the run"),
        ("data.image_size=64", "data.image_size: the run"),
        ("fusion.width=8", "fusion.width: the run"),
    ):
        assert said in refusal("train", f"from={parent}", *there, word)
    with Path(parent, "matrix.csv").open("a") as file:
        file.write("\n")
    assert "is not what the run wrote" in refusal("train", f"from={parent}", *there)


def test_a_method_that_learns_all_at_once_is_refused(tmp_path, empty):
    old, new = products(tmp_path / "old", "bolt", "nut"), products(tmp_path / "new", "screw")
    run, _ = trained("task=custom", "method=joint", f"data.root={old}", *QUICK, *EPOCHS)
    said = refusal("train", f"from={run}", "task=custom", f"data.root={new}")
    assert "learns all experiences at once" in said
    assert len(list(empty.glob("runs/*/*"))) == 1


def test_good_parts_of_old_and_new_products_may_have_other_names(tmp_path, empty):
    old = products(tmp_path / "old", "bolt")
    run, _ = trained("task=custom", f"data.root={old}", *QUICK, *EPOCHS)
    words = ("dataset=placement", "data.images_per_class=8", "data.good=aligned")
    child, _ = trained(f"from={run}", *words)
    record = json.loads(read(child, "run.json"))
    assert record["good"] == ["aligned", "good"]
    assert [point["good"] for point in record["points"]] == ["good", "aligned"]
    rows = csv.DictReader(read(child, "figures.csv").decode().splitlines())
    defects = {row["experience"] for row in rows if row["class"] == "any defect"}
    assert defects == {"bolt", "component"}


def test_what_is_known_of_the_run_before_is_no_run(parent, tmp_path):
    new = products(tmp_path / "new", "screw")
    trained(f"from={parent}", "task=custom", f"data.root={new}")
    said = call("runs").out
    assert "parent" not in said
    assert "broken off" not in said


def test_the_check_of_images_knows_those_of_the_run_before(parent, tmp_path):
    new = products(tmp_path / "new", "screw")
    checked = call("data", "check", f"from={parent}", "task=custom", f"data.root={new}")
    assert checked.code == 0, checked.err
    assert "bolt" in checked.out and "screw" in checked.out
