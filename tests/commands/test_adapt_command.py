"""``mlff adapt``: a candidate beside the run, and what it would change."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from command_calls import call, refusal
from PIL import Image
from safetensors.torch import load_file
from small_products import EPOCHS, QUICK, products, read, scores_of, told, trained


def darker(root, product, count=12):
    """Write images of a product as a camera with less light sees them."""
    products(root, product, count=count)
    for file in root.rglob("*.png"):
        pixels = np.asarray(Image.open(file)) * 0.5
        Image.fromarray(pixels.astype(np.uint8)).save(file)
    return root


@pytest.fixture
def parent(tmp_path, empty):
    root = products(tmp_path / "old", "bolt", "nut", count=16)
    return trained("task=custom", f"data.root={root}", *QUICK, *EPOCHS)[0]


def test_a_candidate_lies_beside_the_run_which_stays(parent, tmp_path):
    new = darker(tmp_path / "new", "bolt")
    names = [p.relative_to(parent) for p in Path(parent).rglob("*") if p.is_file()]
    before = {name: read(parent, name) for name in names}
    result = call("adapt", parent, str(new), "product=bolt")
    assert result.code == 0, result.err
    candidate = result.out.strip().rpartition("\n")[2]
    assert Path(candidate).parent == Path(parent).parent and candidate != parent
    assert {name: read(parent, name) for name in names} == before
    assert "drifted" in result.out and "answered otherwise" in result.out
    assert "as frequent" in result.out
    record = json.loads(read(candidate, "run.json"))
    assert record["parent"] == read(parent, "DONE").decode().strip()
    assert record["adapted"].startswith("'bolt' by standardise to 24 images")
    assert "24 images without labels" in read(candidate, "report.html").decode()
    assert call("verify", candidate).code == 0
    assert call("adapt", parent, str(new), "product=bolt").out.strip().endswith(candidate)
    coral = call("adapt", parent, str(new), "product=bolt", "way=coral").out.strip()
    assert not coral.endswith(candidate)


def test_the_other_product_answers_as_before(parent, tmp_path):
    new = darker(tmp_path / "new", "bolt")
    candidate = call("adapt", parent, str(new), "product=bolt").out.strip().rpartition("\n")[2]
    answers = []
    for run in (parent, candidate):
        words = (str(tmp_path / "old" / "nut"), "product=nut", "output=told.csv")
        assert call("predict", run, *words).code == 0
        answers.append([(row["score good"], row["novelty"], row["decision"]) for row in told()])
    assert answers[0] == answers[1]
    whole, own = (scores_of(run).full_array("mAP") for run in (parent, candidate))
    np.testing.assert_array_equal(whole[-1][1], own[-1][1])
    heads = [load_file(f"{run}/adapters/adapters.safetensors") for run in (parent, candidate)]
    changed = {name for name in heads[0] if not torch.equal(heads[0][name], heads[1][name])}
    assert changed and all("fusion" in name for name in changed)


def test_a_dataset_gives_the_images_as_well(parent, tmp_path):
    new = darker(tmp_path / "new", "bolt")
    by_words = call("adapt", parent, str(new), "product=bolt").out.strip()
    by_dataset = call("adapt", parent, "dataset=folder", f"data.root={new}", "product=bolt")
    assert by_dataset.code == 0, by_dataset.err
    assert by_dataset.out.strip().rpartition("\n")[2] == by_words.rpartition("\n")[2]


def test_what_cannot_be_adapted_is_refused(parent, tmp_path):
    old = tmp_path / "old" / "bolt"
    assert "trained on" in refusal("adapt", parent, str(old), "product=bolt")
    few = darker(tmp_path / "few", "bolt", count=3)
    assert "give 20 or more" in refusal("adapt", parent, str(few), "product=bolt")
    assert "product= is needed" in refusal("adapt", parent, str(few))
    assert "needs a run and images" in refusal("adapt")
    assert "needs images" in refusal("adapt", parent, "product=bolt")


def test_nobody_goes_on_from_a_candidate(parent, tmp_path):
    new = darker(tmp_path / "new", "bolt")
    candidate = call("adapt", parent, str(new), "product=bolt").out.strip().rpartition("\n")[2]
    more = products(tmp_path / "more", "screw")
    said = refusal("train", f"from={candidate}", "task=custom", f"data.root={more}")
    assert "candidate of mlff adapt" in said


def test_layers_without_constants_of_their_own_are_refused(tmp_path, empty):
    root = products(tmp_path / "old", "bolt", count=16)
    run = trained("task=custom", f"data.root={root}", *QUICK, "method=closed_form")[0]
    new = darker(tmp_path / "new", "bolt")
    assert "method=mlff fusion=local" in refusal("adapt", run, str(new))
