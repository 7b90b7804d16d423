"""``mlff adapters``: list, remove and diff."""

import json
import shutil

import numpy as np
import pytest
from command_calls import call, refusal
from small_products import EPOCHS, QUICK, manifest, products, read, scores_of, told, trained

from mlff_cli.results.changes import Said, changed, changes_table


@pytest.fixture
def parent(tmp_path, empty):
    root = products(tmp_path / "old", "bolt", "nut", "screw")
    return trained("task=custom", f"data.root={root}", *QUICK, *EPOCHS)[0]


def test_the_list_names_what_answers_and_needs_no_torch(run_folder, empty):
    from command_calls import imported

    result, modules = imported("adapters", "list", str(run_folder), folder=empty)
    assert result.code == 0, result.err
    assert "torch" not in modules
    parts = json.loads((run_folder / "adapters" / "adapters.json").read_text())["parts"]
    for name, digest in parts.items():
        assert name in result.out
        assert digest[:12] in result.out


@pytest.mark.parametrize("product", ["bolt", "screw"])
def test_a_product_goes_and_the_others_answer_as_before(parent, tmp_path, product):
    before = {name: read(parent, name) for name in ("run.json", "matrix.csv")}
    result = call("adapters", "remove", parent, f"product={product}")
    assert result.code == 0, result.err
    child = result.out.strip()
    assert {name: read(parent, name) for name in before} == before
    matrix, whole = scores_of(child), scores_of(parent)
    assert matrix.experiences == tuple(n for n in whole.experiences if n != product)
    left = [whole.experiences.index(name) for name in matrix.experiences]
    np.testing.assert_array_equal(matrix.full_array("mAP")[-1], whole.full_array("mAP")[-1][left])
    assert call("verify", child).code == 0
    assert call("report", child).code == 0
    answers = []
    for run in (parent, child):
        words = (str(tmp_path / "old" / "nut"), "product=nut", "output=told.csv")
        assert call("predict", run, *words).code == 0
        answers.append([(row["score good"], row["novelty"], row["decision"]) for row in told()])
    assert answers[0] == answers[1]
    assert call("adapters", "remove", parent, f"product={product}").out.strip() == child


def test_after_a_product_went_its_name_is_free(parent, tmp_path):
    child = call("adapters", "remove", parent, "product=screw").out.strip()
    new = products(tmp_path / "new", "screw", count=6)
    grandchild, _ = trained(f"from={child}", "task=custom", f"data.root={new}")
    assert scores_of(grandchild).experiences == ("bolt", "nut", "screw")
    shorter = call("adapters", "remove", grandchild, "product=bolt").out.strip()
    assert scores_of(shorter).experiences == ("nut", "screw")
    assert call("verify", shorter).code == 0
    last = call("adapters", "remove", shorter, "product=nut").out.strip()
    assert "is the only one" in refusal("adapters", "remove", last, "product=screw")


def test_what_cannot_go_is_refused(parent, tmp_path):
    assert "needs product=" in refusal("adapters", "remove", parent)
    assert "did you mean 'bolt'?" in refusal("adapters", "remove", parent, "product=bold")
    file = manifest(tmp_path / "lots", "monday", "tuesday")
    words = ("dataset=csv", "task=custom", "schedule=by_batch", f"data.file={file}")
    shared, _ = trained(*words, *QUICK, *EPOCHS)
    assert "share one head" in refusal("adapters", "remove", shared, "product=monday")
    assert "there is no action 'lst'; did you mean 'list'?" in refusal("adapters", "lst", parent)
    assert "needs list, remove or diff" in refusal("adapters")
    assert "takes 2 run folders" in refusal("adapters", "diff", parent)
    assert "is no run folder" in refusal("adapters", "list", str(tmp_path))


def test_diff_names_the_images_whose_decision_changes(parent, tmp_path):
    same = call("adapters", "diff", parent, parent)
    assert same.code == 0
    assert "the same to the bit: bolt, nut, screw" in same.out
    root = str(tmp_path / "old")
    other, _ = trained(
        "task=custom", f"data.root={root}", *QUICK, "method.epochs=1", "method.learning_rate=0.0001"
    )
    result = call("adapters", "diff", parent, other, "limit=0")
    assert "changed: bolt, nut, screw" in result.out
    both = []
    for run in (parent, other):
        words = (root, "product=auto", "output=told.csv", "decision.novelty=0")
        assert call("predict", run, *words).code == 0
        both.append({row["path"]: (row["label"], row["decision"]) for row in told()})
    expected = [path for path, said in both[0].items() if said != both[1][path]]
    words = (root, "product=auto", "decision.novelty=0", "limit=0")
    asked = call("adapters", "diff", parent, other, *words)
    assert asked.code == bool(expected)
    assert f"{len(expected)} of {len(both[0])} images are answered otherwise" in asked.out
    new = products(tmp_path / "new", "washer")
    child, _ = trained(f"from={parent}", "task=custom", f"data.root={new}")
    grown = call("adapters", "diff", parent, child)
    assert (grown.code, "only after: washer" in grown.out) == (0, True)
    shutil.rmtree(parent)
    assert "is no run folder" in refusal("adapters", "diff", parent, child)


def test_only_images_that_both_answered_are_compared():
    old = {("p", "1"): Said("a", "p", "good", "ok"), ("p", "2"): Said("b", "p", "good", "ok")}
    new = {("p", "1"): Said("a", "p", "good", "defect"), ("p", "3"): Said("c", "p", "good", "ok")}
    pairs = changed(old, new)
    assert [(before.decision, after.decision) for before, after in pairs] == [("ok", "defect")]
    table = changes_table(pairs, 1, 20, ("x", "y"))
    assert [row["after"] for row in table.rows] == ["good: defect"]
    assert changes_table([], 0, 20, ("x", "y")).columns == []
