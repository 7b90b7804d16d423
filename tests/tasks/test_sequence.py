"""Records to experiences: lines, heads, order, unseen ones, and what cannot be cut."""

from itertools import product

import pytest

from mlff_cli.data.generated import GeneratedImage
from mlff_cli.errors import UserError
from mlff_cli.tasks.record import Record
from mlff_cli.tasks.schedule import atoms_of, cut
from mlff_cli.tasks.sequence import refuse_unlearnable, sequence


def record(name, *labels, product="", batch="", targets=()):
    return Record(
        name, GeneratedImage("surfaces", ()), labels, targets, product=product, batch=batch
    )


def parts(products=("cog", "axle", "pin"), classes=("good", "pit"), count=4):
    """Products with the same classes; of each class one image tests, the others train."""
    records = [
        record(f"{p}/{c}/{i}", c, product=p, batch=f"b{i}")
        for p, c, i in product(products, classes, range(count))
    ]
    return records, {r.name: "test" if r.name.endswith("0") else "train" for r in records}


def by(line, heads="separate", records=None, splits=None, target_names=(), **schedule):
    if records is None:
        records, splits = parts()
    cuts = cut(records, line=line, **schedule)
    unseen = {atom for each in cuts if not each.learned for atom in each.atoms}
    scored = [r.name for r in records if unseen & {*atoms_of(r, line)}]
    splits = {**splits, **dict.fromkeys(scored, "test")}
    experiences = sequence(cuts, records, splits, line=line, heads=heads, target_names=target_names)
    refuse_unlearnable(experiences, "test")
    return experiences


def names(experiences):
    return [experience.name for experience in experiences]


def test_products_in_the_order_in_which_they_appear_a_head_each():
    experiences = by("product")
    assert names(experiences) == ["cog", "axle", "pin"]
    assert [e.index for e in experiences] == [1, 2, 3]
    assert [e.head for e in experiences] == ["cog", "axle", "pin"]
    assert all(e.outputs == ("good", "pit") and e.learned for e in experiences)
    for experience in experiences:
        own = [*experience.train, *experience.validation, *experience.test]
        assert {r.product for r in own} == {experience.name}
        assert (len(experience.train), len(experience.test)) == (6, 2)
        assert experience.split("train") is experience.train
        assert experience.split("test") is experience.test


def test_every_record_is_in_the_split_it_was_given():
    records, splits = parts()
    splits["cog/good/1"] = "validation"
    experiences = by("product", records=records, splits=splits)
    seen = {
        r.name: s for e in experiences for s in ("train", "validation", "test") for r in e.split(s)
    }
    assert seen == splits


def test_separate_heads_have_their_own_products_classes_and_a_shared_one_has_all():
    records = [record("a0", "good", product="a"), record("a1", "pit", product="a"),
               record("b0", "crack", product="b"), record("b1", "good", product="b")]  # fmt: skip
    splits = dict.fromkeys(("a0", "a1", "b0", "b1"), "train")
    separate = by("product", records=records, splits=splits)
    assert [e.outputs for e in separate] == [("good", "pit"), ("crack", "good")]
    shared = by("product", "shared", records=records, splits=splits)
    assert [e.outputs for e in shared] == [("good", "pit", "crack")] * 2
    assert {e.head for e in shared} == {"shared"}


def test_batches_with_one_shared_head():
    records, _ = parts()
    splits = {r.name: "test" if r.product == "pin" else "train" for r in records}
    experiences = by("batch", "shared", records=records, splits=splits)
    assert names(experiences) == ["b0", "b1", "b2", "b3"]
    assert all(e.outputs == ("good", "pit") for e in experiences)


def classes_of(*labels):
    records = [record(f"{label}{i}", label) for label in labels for i in range(3)]
    return {
        "records": records,
        "splits": {r.name: "test" if r.name.endswith("0") else "train" for r in records},
    }


def test_classes_in_groups_with_a_head_that_only_appends():
    experiences = by("class", "growing", **classes_of(*"abcde"), classes_per_experience=2)
    assert names(experiences) == ["a+b", "c+d", "e"]
    assert [e.outputs for e in experiences] == [tuple("ab"), tuple("abcd"), tuple("abcde")]
    assert {e.head for e in experiences} == {"shared"}
    assert {label for r in experiences[1].train for label in r.labels} == {"c", "d"}


def test_products_with_a_growing_head_append_the_classes_that_are_new():
    records = [record("a0", "good", product="a"), record("a1", "pit", product="a"),
               record("b0", "crack", product="b"), record("b1", "good", product="b")]  # fmt: skip
    splits = {r.name: "train" for r in records}
    experiences = by("product", "growing", records=records, splits=splits)
    assert [e.outputs for e in experiences] == [("good", "pit"), ("good", "pit", "crack")]


def test_an_image_of_several_labels_is_in_the_experience_of_each():
    records = [record("x", "a", "c"), record("y", "b"), record("z", "c"), record("w", "d")]
    splits = {r.name: "train" for r in records}
    experiences = by("class", "growing", records=records, splits=splits, classes_per_experience=2)
    assert [e.name for e in experiences] == ["a+c", "b+d"]
    records.append(record("v", "b", "c"))
    experiences = by("class", "growing", records=records, splits={**splits, "v": "train"},
                     classes_per_experience=2)  # fmt: skip
    assert [[r.name for r in e.train] for e in experiences] == [["x", "z", "v"], ["y", "w", "v"]]
    assert experiences[0].outputs == ("a", "c", "b")


def test_another_order():
    assert names(by("product", order=["pin", "cog", "axle"])) == ["pin", "cog", "axle"]
    experiences = by("class", "growing", **classes_of(*"abcd"), classes_per_experience=2,
                     order=list("dbca"))  # fmt: skip
    assert names(experiences) == ["d+b", "c+a"]
    first, second = (e.outputs for e in experiences)
    assert set(first) == set("db")
    assert second[:2] == first


@pytest.mark.parametrize(
    ("unseen", "learned", "hidden"),
    [([], ["cog", "axle"], ["pin"]), (["cog"], ["axle", "pin"], ["cog"]),
     (["pin", "cog"], ["axle"], ["cog", "pin"])],
)  # fmt: skip
def test_unseen_products_come_last_and_are_scored_on_all_their_images(unseen, learned, hidden):
    experiences = by("product", "shared", unseen=unseen)
    assert names(experiences) == learned + hidden
    assert [e.index for e in experiences] == [1, 2, 3]
    assert [e.learned for e in experiences] == [True] * len(learned) + [False] * len(hidden)
    for experience in experiences[len(learned) :]:
        assert (len(experience.train), len(experience.validation)) == (0, 0)
        assert len(experience.test) == 8


def test_without_unseen_everything_is_learned():
    assert all(e.learned for e in by("product", "shared", unseen=None))


def test_a_group_of_classes_is_unseen_when_one_of_them_is():
    groups = {**classes_of(*"abcd"), "classes_per_experience": 2}
    assert [e.name for e in by("class", "shared", **groups, unseen=["b"])] == ["c+d", "a+b"]
    assert [e.learned for e in by("class", "shared", **groups, unseen=[])] == [True, False]


def test_one_product_is_one_experience_and_cannot_be_unseen():
    records, splits = parts(products=("",))
    (experience,) = by("product", records=records, splits=splits)
    assert (experience.name, experience.head) == ("all", "all")
    with pytest.raises(UserError, match="nothing is left"):
        by("product", records=records, splits=splits, unseen=[])


def test_targets_name_the_outputs_and_need_no_classes():
    records = [record(f"{p}{i}", product=p, targets=(1.0, 2.0)) for p in "ab" for i in range(2)]
    splits = {r.name: "test" if r.name.endswith("0") else "train" for r in records}
    experiences = by("product", "shared", records=records, splits=splits, target_names=("dx", "dy"))
    assert [e.outputs for e in experiences] == [("dx", "dy")] * 2
    with pytest.raises(UserError, match=r"schedule\.line=class: the images have no labels"):
        by("class", "growing", records=records, splits=splits, target_names=("dx", "dy"))


def test_a_class_only_in_the_test_split_is_named():
    records, splits = parts()
    splits |= {f"axle/pit/{i}": "test" for i in range(4)}
    with pytest.raises(UserError, match="experience 'axle': class 'pit' is in the test split"):
        by("product", records=records, splits=splits)
    # One head for all has learned the class from another product.
    assert len(by("product", "shared", records=records, splits=splits)) == 3


def test_a_record_of_no_split_is_in_no_experience():
    records, splits = parts()
    splits["cog/good/3"] = ""
    first = by("product", records=records, splits=splits)[0]
    assert len(first.train) + len(first.validation) + len(first.test) == 7


def test_a_classifier_of_one_class_is_refused():
    records, splits = parts(classes=("good",))
    with pytest.raises(UserError, match=r"'cog' has one class \('good'\)"):
        by("product", records=records, splits=splits)
    assert len(by("product", "shared", **classes_of("a", "b"))) == 1


def test_what_nothing_is_labelled_in_cannot_be_learned():
    records = [record(f"cog{i}", product="cog") for i in range(4)]
    records += [record(f"axle{i}", "pit" if i % 2 else "good", product="axle") for i in range(4)]
    splits = {item.name: "test" if item.name.endswith("0") else "train" for item in records}
    with pytest.raises(UserError, match="'cog': none of its 4 images has a label; label those"):
        by("product", records=records, splits=splits)
    # A shared head knows the classes of the others.
    assert len(by("product", "shared", records=records, splits=splits)) == 2
    numbers = [record(str(i), targets=(1.0,)) for i in range(4)]
    splits = {item.name: "test" if item.name == "0" else "train" for item in numbers}
    with pytest.raises(UserError, match="head=regressor"):
        by("product", records=numbers, splits=splits)


def test_classes_come_one_at_a_time_where_the_head_grows():
    experiences = by("class", "growing", **classes_of(*"abc"), classes_per_experience=1)
    assert [e.outputs for e in experiences] == [("a",), ("a", "b"), ("a", "b", "c")]
    for heads, classes in (("separate", "abc"), ("growing", "a")):
        with pytest.raises(UserError, match=r"experience 'a' has one class \('a'\)"):
            by("class", heads, **classes_of(*classes), classes_per_experience=1)
