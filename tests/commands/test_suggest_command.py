"""``mlff data suggest``: a list to be filled in that goes straight back, and a sheet."""

import csv
from pathlib import Path

import pytest
from command_calls import call, refusal
from PIL import Image
from small_products import EPOCHS, QUICK, products, trained

SIZE = ("data.image_size=32", "trainer.device=cpu", "trainer.workers=0")


@pytest.fixture
def images(empty):
    return products(Path("new"), "bolt", count=16)


def rows(file="to_label.csv"):
    with Path(file).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def filled(file="to_label.csv", count=None):
    """Fill the labels in, of the first few or of all; return the file."""
    own = rows(file)
    for row in own[:count]:
        row["label"] = Path(row["path"]).parent.name
    with Path(file).open("w", encoding="utf-8", newline="") as lines:
        writer = csv.DictWriter(lines, list(own[0]))
        writer.writeheader()
        writer.writerows(own)
    return file


def test_the_list_goes_straight_back(images):
    result = call("data", "suggest", "new", "budget=16", *SIZE)
    assert result.code == 0, result.err
    assert len({row["path"] for row in rows()}) == 16
    assert {row["label"] for row in rows()} == {""}
    assert {Path(row["path"]).parent.name for row in rows()} == {"good", "scratch"}
    assert Image.open("to_label.png").width > 500
    back = ("task=custom", "dataset=csv", "data.file=to_label.csv", *QUICK, *EPOCHS)
    assert "column label: is empty" in refused(back)
    filled(count=10)
    assert "6 of 16 rows cannot be used" in refused(back)
    filled()
    assert call("train", *back).code == 0


def refused(words):
    result = call("train", *words)
    assert result.code == 2
    return result.err


def test_a_second_round_leaves_out_what_has_labels(images):
    assert call("data", "suggest", "new", "budget=8", *SIZE).code == 0
    again = ("data", "suggest", "new", "budget=8", "labelled=to_label.csv", "output=b.csv", *SIZE)
    assert "8 rows have no label yet" in refusal(*again)
    filled()
    result = call(*again)
    assert result.code == 0, result.err
    assert not {row["path"] for row in rows()} & {row["path"] for row in rows("b.csv")}


def test_with_a_run_the_doubtful_ones_of_those_it_has_not_seen(images):
    assert call("data", "suggest", "new", "budget=20", "product=bolt", *SIZE).code == 0
    filled()
    words = ("task=custom", "dataset=csv", "data.file=to_label.csv", *QUICK, *EPOCHS)
    run = trained(*words)[0]
    result = call("data", "suggest", "new", "budget=6", f"run={run}", "labelled=to_label.csv",
                  "output=b.csv", *SIZE)  # fmt: skip
    assert result.code == 0, result.err
    margins = [float(row["reason"].removeprefix("margin ")) for row in rows("b.csv")]
    assert margins == sorted(margins) and len(margins) == 6
    assert not {row["path"] for row in rows()} & {row["path"] for row in rows("b.csv")}


def test_copies_and_sheets_are_not_suggested(images):
    for file in list(images.rglob("*.png")):
        (file.parent / f"copy_{file.name}").write_bytes(file.read_bytes())
    assert call("data", "suggest", ".", "budget=4", "output=a.csv", *SIZE).code == 0
    result = call("data", "suggest", ".", "budget=32", "output=b.csv", *SIZE)
    assert result.code == 0, result.err
    assert "a.png" not in {row["path"] for row in rows("b.csv")}


def test_what_cannot_be_suggested_is_refused(images):
    assert "32 images have no label" in refusal("data", "suggest", "new", "budget=33", *SIZE)
    assert "needs images" in refusal("data", "suggest", *SIZE)
    Path("to_label.csv").write_text("path,label\n", encoding="utf-8")
    assert "may be filled in" in refusal("data", "suggest", "new", "budget=4", *SIZE)


def test_images_elsewhere_are_read_with_the_word_that_is_told(images):
    Path("lists").mkdir()
    result = call("data", "suggest", "new", "budget=4", "output=lists/a.csv", *SIZE)
    assert "data.allow_outside_root=true" in result.out
