"""What is said where products, batches or classes cannot be trained and scored."""

import logging
from dataclasses import replace

import pytest

from mlff_cli.data.generated import GeneratedImage
from mlff_cli.errors import UserError
from mlff_cli.tasks.record import Record
from mlff_cli.tasks.task import make_task

IMAGE = GeneratedImage("surfaces", ())


def rows(batch, count, label="good", group="", split=""):
    """Records of one batch; the group and the split are functions of the number, or the same."""

    def value(what, number):
        return what(number) if callable(what) else what

    return [
        Record(
            f"{batch}{label}{number}",
            IMAGE,
            (value(label, number),),
            batch=batch,
            group=value(group, number),
            split=value(split, number),
        )
        for number in range(count)
    ]


def task(records, line="batch", scored="test", test=0.25, validation=0.15, **options):
    return make_task(
        records,
        line=line,
        heads="shared",
        test=test,
        validation=validation,
        scored=scored,
        seed=0,
        **options,
    )


FINE = [*rows("fine", 10), *rows("fine", 10, "pit")]


@pytest.mark.parametrize(
    ("items", "words"),
    [
        (
            rows("b", 8, group="g1"),
            r"batch 'b' cannot be tested: its 8 images are all of the one group 'g1'",
        ),
        (rows("b", 1), r"batch 'b' cannot be tested: it has one image, bgood0"),
        (
            [*rows("b", 1), *rows("b", 1, "pit")],
            r"batch 'b' cannot be tested: it has 2 images, one for each class",
        ),
        (
            [*rows("b", 3, group="g"), *rows("b", 3, "pit", group="h")],
            r"batch 'b' cannot be tested: its 6 images are of 2 groups, one for each class",
        ),
        (
            rows("b", 7, split="test"),
            r"batch 'b' cannot be trained: its 7 images are all fixed to test",
        ),
        (
            rows("b", 7, split="train"),
            r"batch 'b' cannot be tested: its 7 images are all fixed to train",
        ),
        (
            rows("b", 4, group="g", split=lambda number: "" if number else "test"),
            r"batch 'b' cannot be trained: its 4 images are of 1 group, all fixed to another split",
        ),
        (
            rows("b", 1, split="test"),
            r"batch 'b' cannot be trained: its one image is fixed to test; add images",
        ),
    ],
)
def test_a_batch_that_cannot_be_learned_is_told_with_its_counts_and_what_helps(items, words):
    with pytest.raises(UserError, match=words) as caught:
        task([*FINE, *items])
    assert "'fine'" not in str(caught.value)
    for remedy in ("add images", "column `group`", "column `split`", "schedule.unseen"):
        assert remedy in str(caught.value)


def test_several_are_told_at_once_but_not_hundreds():
    lonely = [record for number in range(9) for record in rows(f"b{number}", 1)]
    with pytest.raises(UserError) as caught:
        task([*FINE, *lonely])
    said = str(caught.value)
    assert [f"batch 'b{number}'" in said for number in range(9)] == [True] * 5 + [False] * 4
    assert "and 4 more" in said


@pytest.mark.parametrize("line", ["product", "class"])
def test_products_and_classes_are_called_what_they_are(line):
    records = [
        replace(record, product=record.batch, batch="")
        for record in [*FINE, *rows("lone", 1, "crack")]
    ]
    name = {"product": "lone", "class": "crack"}[line]
    with pytest.raises(UserError, match=f"^{line} '{name}' cannot be tested: it has one image"):
        task(records, line)


def test_a_data_set_that_knows_no_products_is_called_one():
    with pytest.raises(UserError, match=r"^the data set cannot be tested: it has one image"):
        task(rows("b", 1), "product")


def test_batches_that_share_two_groups_three_ways_cannot_all_be_tested():
    records = [
        replace(record, name=f"{batch}{group}", group=group)
        for batch, groups in (("a", "gh"), ("b", "hi"), ("c", "ig"))
        for record, group in zip(rows(batch, 2), groups, strict=True)
    ]
    with pytest.raises(UserError, match=r"cannot be tested: .* 2 groups, .* needed elsewhere"):
        task([*FINE, *records])


def test_scored_on_validation_two_images_are_one_too_few():
    records = [*FINE, *rows("b", 2)]
    assert len(task(records).experiences) == 2
    words = "batch 'b' cannot be scored on validation: it has 2 images, one to train on and one to"
    with pytest.raises(UserError, match=words):
        task(records, scored="validation")


@pytest.mark.parametrize("scored", ["test", "validation"])
def test_a_split_that_is_switched_off_cannot_be_scored(scored):
    shares = {"test": 0.25, "validation": 0.15} | {scored: 0.0}
    words = f"splits.scored={scored} with splits.{scored}=0: no image would be scored"
    with pytest.raises(UserError, match=words):
        task(FINE, scored=scored, **shares)
    fixed = [*FINE, *rows("fine", 2, "good ", split=lambda n: ("train", scored)[n])]
    assert task(fixed, scored=scored, **shares).splits["finegood 1"] == scored


def test_a_label_that_is_only_scored_is_told():
    records = [*FINE, replace(FINE[0], name="z", labels=("crack",), split="test")]
    with pytest.raises(UserError, match=r"label 'crack' is never trained.*the first is z"):
        task(records)


def test_classes_that_are_trained_and_not_tested_are_warned_of(caplog):
    with caplog.at_level(logging.WARNING):
        task([*FINE, *rows("fine", 1, "alone"), *rows("fine", 4, "lot", group="g")])
    assert "2 classes have too few" in caplog.text
    assert "alone (1 images)" in caplog.text and "lot (4 images)" in caplog.text
