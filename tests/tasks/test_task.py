"""A data set becomes a task: splits, experiences and what is only scored, taken together."""

from collections import Counter

import pytest

from mlff_cli.data.generated import GeneratedImage
from mlff_cli.errors import UserError
from mlff_cli.tasks.record import Record
from mlff_cli.tasks.task import make_task

IMAGE = GeneratedImage("surfaces", ())


def parts(batches=("a", "b", "c"), count=8, group=lambda batch, number: ""):
    return [
        Record(
            f"{batch}/{label}/{number}",
            IMAGE,
            (label,),
            batch=batch,
            group=group(batch, f"{label}{number}"),
        )
        for batch in batches
        for label in ("good", "pit")
        for number in range(count)
    ]


def task(records, line="batch", heads="shared", scored="test", **options):
    shares = {"test": 0.25, "validation": 0.15}
    return make_task(records, line=line, heads=heads, scored=scored, seed=0, **shares, **options)


def test_every_record_is_in_one_split_of_its_experience():
    made = task(parts())
    assert [e.name for e in made.experiences] == ["a", "b", "c"]
    for experience in made.experiences:
        own = {split: len(experience.split(split)) for split in ("train", "validation", "test")}
        assert own == Counter(
            split for name, split in made.splits.items() if name[0] == experience.name
        )
    assert set(made.splits) == {record.name for record in made.records}


def test_choosing_on_validation_leaves_every_image_in_its_split():
    assert task(parts()).splits == task(parts(), scored="validation").splits


@pytest.mark.parametrize("scored", ["test", "validation"])
def test_what_is_unseen_is_scored_with_all_its_images_and_moves_nobody(scored):
    seen = task(parts(), scored=scored)
    made = task(parts(), scored=scored, unseen=["b"])
    unseen = made.experiences[-1]
    assert (unseen.name, unseen.learned, len(unseen.split(scored))) == ("b", False, 16)
    assert not unseen.train
    others = [record.name for record in made.records if record.batch != "b"]
    assert all(made.splits[name] == seen.splits[name] for name in others)


def test_what_is_unseen_needs_no_groups_of_its_own():
    records = [*parts(), Record("lone", IMAGE, ("good",), batch="d")]
    made = task(records, unseen=["d"])
    assert [record.name for record in made.experiences[-1].test] == ["lone"]


def test_a_group_that_runs_into_what_is_unseen_is_trained_on_nowhere():
    def group(batch, number):
        return f"tile {number}" if number.endswith(("0", "1")) else ""

    made = task(parts(group=group), unseen=["c"])
    scored = {record.group for record in made.experiences[-1].test}
    trained = {record.group for e in made.experiences for record in e.train}
    assert {"tile good0", "tile pit1"} <= scored and not (scored & trained) - {""}
    everything = parts(group=lambda batch, number: f"tile {number}")
    with pytest.raises(UserError, match=r"batch 'a' cannot be trained: .* only scored elsewhere"):
        task(everything, unseen=["c"])


def test_an_image_without_a_label_is_in_no_experience_along_classes():
    records = [*parts(), Record("bare", IMAGE, batch="a")]
    made = task(records, "class", "growing", classes_per_experience=2)
    assert made.splits["bare"] == ""
    assert "bare" not in {r.name for e in made.experiences for r in (*e.train, *e.test)}


def test_only_scored_takes_every_image_and_refuses_none():
    made = task(parts(count=1), only_scored=True)
    assert [(e.learned, len(e.test)) for e in made.experiences] == [(False, 2)] * 3
    assert set(made.splits.values()) == {"test"}


def test_images_of_several_classes_are_learned_class_by_class():
    records = [
        Record(f"r{number}", IMAGE, tuple("abcd"[k] for k in range(4) if number >> k & 1))
        for number in range(1, 16)
    ]
    made = task(records, "class", "growing", classes_per_experience=2)
    for experience in made.experiences:
        assert experience.train and experience.test


def test_skipped_images_are_handed_on():
    assert task(parts(), skipped=[("x.png", "is empty")]).skipped == [("x.png", "is empty")]
