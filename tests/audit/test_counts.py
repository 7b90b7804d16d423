"""What the splits hold, counted, and the floors of what they hold; awkward ones too."""

import pytest

from mlff_cli.audit.counts import balance, counts, floors
from mlff_cli.data.generated import GeneratedImage
from mlff_cli.tasks.experience import Experience
from mlff_cli.tasks.record import Record
from mlff_cli.tasks.task import make_task

IMAGE = GeneratedImage("surfaces", ())


def records(product, labels, group=lambda number: ""):
    return [
        Record(f"{product}/{number}", IMAGE, (label,), product=product, group=group(number))
        for number, label in enumerate(labels)
    ]


def task(items, line="product", **options):
    shares = {"test": 0.25, "validation": 0.0}
    return make_task(items, line=line, heads="growing", scored="test", seed=0, **shares, **options)


def test_images_classes_and_groups_of_each_split_are_counted():
    items = records("bolt", ["good", "pit"] * 8, lambda number: f"g{number // 4}")
    items += records("nut", ["good"] * 3)
    lines = counts(task(items, unseen=["nut"]).experiences)
    assert list(lines[0]) == ["experience", "split", "images", "classes", "groups"]
    assert [tuple(line.values()) for line in lines] == [
        ("bolt", "train", "12", "2", "3"),
        ("bolt", "test", "4", "2", "1"),
        ("nut (unseen)", "test", "3", "1", "3"),
    ]


def test_a_group_called_like_an_image_is_counted_beside_it():
    lot = Record("x", IMAGE, ("good",), group="y")
    single = Record("y", IMAGE, ("good",))
    experience = Experience(1, "all", "all", ("good", "pit"), (lot, single), (), ())
    assert counts([experience])[0]["groups"] == "2"


def test_each_class_has_its_images_by_split_and_its_share():
    items = records("bolt", ["good"] * 12 + ["pit"] * 4)
    first, second = balance(task(items).experiences)
    assert (first["class"], first["train"], first["test"]) == ("good", "9", "3")
    assert (second["share"], second["validation"]) == ("25.0 %", "0")


def test_floors_of_a_balanced_and_of_an_unseen_experience():
    items = records("bolt", ["good", "pit"] * 8) + records("nut", ["good"] * 3 + ["pit"])
    first, second = floors(task(items, unseen=["nut"]).experiences, "test")
    assert first["majority class"] == first["mAP, constant score"] == "50.0 %"
    assert second["majority class"] == "75.0 %"


def test_an_experience_of_a_single_class_has_a_majority_and_no_map():
    items = records("bolt", ["a", "b", "c"] * 6)
    experiences = task(items, "class", classes_per_experience=2).experiences
    lines = floors(experiences, "test")
    assert [line["experience"] for line in lines] == ["a+b", "c"]
    assert lines[1]["majority class"] == "100.0 %"
    assert lines[1]["mAP, constant score"] == lines[1]["mAP, random scores"] == ""
    assert balance(experiences)[-1]["share"] == "100.0 %"


@pytest.mark.parametrize("scored", [[Record("x", IMAGE, ("a",))], [Record("x", IMAGE)]])
def test_one_image_with_a_label_or_without_has_floors(scored):
    experience = Experience(1, "all", "all", ("a", "b"), scored, (), scored)
    (line,) = floors([experience], "test")
    assert line["majority class"] == "100.0 %" and line["mAP, random scores"] == ""
    assert floors([experience], "validation") == []


def test_floors_of_numbers_are_errors_of_the_median():
    items = [Record(f"r{n}", IMAGE, targets=(float(n), 0.0)) for n in (0, 2, 10)]
    experience = Experience(
        1, "all", "all", ("dx", "dy"), items[:2], (), items[2:], regression=True
    )
    assert floors([experience], "test") == [
        {"experience": "all", "mae dx of the median": "9", "mae dy of the median": "0"}
    ]
