"""``mlff predict``: the product found out, what is unknown, and decisions of one's own."""

import csv

import numpy as np
import pytest
from command_calls import call, refusal
from PIL import Image

from mlff_cli.data.surfaces import draw

PRODUCTS = ("brushed_metal", "woven_fabric", "glazed_ceramic")
NOVELTY = "decision.novelty=0.05"
"""There are thirty validation images of a product: one in a hundred cannot be told from them."""


@pytest.fixture(scope="module")
def run(tmp_path_factory, cache):
    folder = tmp_path_factory.mktemp("decisions")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        words = ("data.image_size=64", "data.images_per_class=15", "method.epochs=5")
        made = call("train", *words, "splits.validation=0.4", "splits.test=0.1")
    assert made.code == 0, made.err
    (found,) = (folder / "runs" / "surface_defect").iterdir()
    return str(found)


@pytest.fixture
def new(empty):
    """Photographs of good parts of all products, and of nothing at all."""
    for product in PRODUCTS:
        for number in range(6):
            Image.fromarray(draw(7, product, "good", number, 64)).save(
                empty / f"{product}_{number}.png"
            )
    for number in range(3):
        pixels = np.random.default_rng(number).integers(0, 256, (64, 64, 3), np.uint8)
        Image.fromarray(pixels).save(empty / f"noise_{number}.png")
    return empty


def told(folder, *words):
    """Return the rows of the file that a call writes, and what it said."""
    result = call("predict", *words, "output=told.csv")
    assert result.code == 0, result.err
    with (folder / "told.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file)), result.out


def test_the_product_of_each_image_is_found_and_told(run, new):
    found, said = told(new, run, "*.png", "product=auto", NOVELTY)
    parts = [row for row in found if "noise" not in row["path"]]
    right = [row["path"].rpartition("/")[2].startswith(row["product"]) for row in parts]
    assert np.mean(right) > 0.85  # at 64 pixels
    assert all(0 < float(row["product_sure"]) < 1 for row in parts)
    columns = {"score pit", "score slub", "score crawling"}  # of each product one of its own
    assert columns < found[0].keys()
    for row in parts:
        of_others = [row[name] for name in columns if not row[name]]
        assert len(of_others) == 2
    assert "how sure" in said
    assert {row["decision"] for row in found if "noise" in row["path"]} == {"unknown"}
    assert "unknown" in said


def test_a_product_that_is_named_is_not_doubted_on_the_terminal(run, new):
    found, said = told(new, run, "woven_fabric_0.png", "product=woven_fabric")
    assert found[0]["product_sure"] == ""
    assert "how sure" not in said


def test_that_nothing_can_be_unknown_is_said_once(run, new):
    _, said = told(new, run, "*.png", "product=auto")
    assert "of 'brushed_metal' (and 2 more): it has 30 validation" in " ".join(said.split())
    _, said = told(new, run, "*.png", "product=auto", NOVELTY)
    assert "nothing is called unknown" not in said


def test_what_is_no_part_of_the_product_is_unknown(run, new):
    found, _ = told(new, run, "noise_*.png", "glazed_*.png", "product=brushed_metal", NOVELTY)
    noise, others = found[:3], found[3:]
    assert {row["decision"] for row in noise} == {"unknown"}
    held_back = [row["decision"] in ("unknown", "review") for row in others]
    assert np.mean(held_back) > 0.5
    assert all(float(row["novelty"]) > 0.95 for row in noise)


def test_novelty_null_and_too_few_images_leave_the_threshold_alone(run, new):
    for novelty in ("decision.novelty=0", "decision.novelty=0.01"):
        found, said = told(new, run, "noise_*.png", "product=brushed_metal", novelty)
        why = "nothing is called unknown of 'brushed_metal': it has 30 validation images, and"
        assert (why in " ".join(said.split())) == novelty.endswith("0.01")
        for row in found:
            defective = float(row["defect_score"]) >= float(row["threshold"])
            assert row["decision"] == ("defect" if defective else "ok")
            assert row["novelty"]


@pytest.mark.parametrize("product", ["brushed_metal", "auto"])
def test_a_threshold_of_ones_own(run, new, product):
    words = (run, "brushed_*.png", f"product={product}", "decision.novelty=0")
    for threshold, decision in ((0.0, "defect"), (1.0, "ok")):
        found, _ = told(new, *words, f"operating_point.threshold={threshold}")
        assert {row["decision"] for row in found} == {decision}
        assert {float(row["threshold"]) for row in found} == {threshold}


def test_sets_of_likely_classes_send_to_review(run, new):
    words = (run, "brushed_*.png", "product=brushed_metal", "decision.novelty=0")
    before, _ = told(new, *words)
    found, said = told(new, *words, "decision.review=0.04")
    changed = [row for row, old in zip(found, before, strict=True)
               if row["decision"] != old["decision"]]  # fmt: skip
    assert {row["decision"] for row in changed} == {"review"}
    assert f"{len(changed)} review" in said


def test_what_cannot_be_decided_is_refused(run, new):
    named = ("predict", run, "brushed_metal_0.png", "product=brushed_metal")
    assert "30 validation images" in refusal(*named, "decision.review=0.01")
    for word in ("decision.novelty=-1", "decision.novelty=1", "decision.review=2",
                 "operating_point.threshold=1.5", "decision.novelty=often"):  # fmt: skip
        assert word.partition("=")[0] in refusal(*named, word)
    assert "did you mean" in refusal(*named, "decision.novelti=0.1")


def test_products_without_validation_images_cannot_be_told_apart(run, new):
    made = call("train", "data.image_size=32", "data.images_per_class=4", "method.epochs=1",
                "splits.validation=0.0")  # fmt: skip
    assert made.code == 0, made.err
    (other,) = (new / "runs" / "surface_defect").iterdir()
    said = refusal("predict", str(other), "noise_0.png", "product=auto")
    assert "needs validation images" in said and "name the product" in said
    found, said = told(new, str(other), "noise_0.png", "product=brushed_metal", NOVELTY)
    assert "it has 0 validation images, and decision.novelty=0.05 needs 19" in " ".join(
        said.split()
    )
    assert (found[0]["novelty"], found[0]["decision"]) == ("", "")


def test_without_good_parts_there_is_no_threshold_to_give(new):
    for number in range(24):
        place = new / "photos" / ("round" if number % 2 else "square") / f"{number}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(draw(number % 2, PRODUCTS[number % 2], "good", number, 32)).save(place)
    made = call("train", "task=custom", "data.root=photos", "data.image_size=32",
                "method.epochs=1", "splits.validation=0.3")  # fmt: skip
    assert made.code == 0, made.err
    (run,) = (new / "runs" / "custom").iterdir()
    said = refusal("predict", str(run), "noise_0.png", "operating_point.threshold=0.5")
    assert "has no class of good parts (round, square)" in said
    found, _ = told(new, str(run), "noise_0.png", "decision.novelty=0.3")
    assert found[0]["decision"] == "unknown"
