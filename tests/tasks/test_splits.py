from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path
from random import Random
from time import perf_counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlff_cli.data.files import FileImage
from mlff_cli.errors import UserError
from mlff_cli.tasks.record import Record
from mlff_cli.tasks.splits import split_records

IMAGE = FileImage(Path("any.png"))


def records(count, **fields):
    """Return records; a field is a function of the index."""
    return [
        Record(f"r{i:05d}", IMAGE, **{name: value(i) for name, value in fields.items()})
        for i in range(count)
    ]


def split(items, test=0.25, validation=0.15, seed=0, line="product"):
    return split_records(items, line=line, test=test, validation=validation, seed=seed)


def with_splits(items, **options):
    splits = split(items, **options)
    return [(record, splits[record.name]) for record in items]


def sides(items, splits, key):
    found = defaultdict(set)
    for record in items:
        found[key(record)].add(splits[record.name])
    return found


def test_single_images_are_stratified_by_product_and_label():
    items = records(
        400, product=lambda i: f"p{i % 2}", labels=lambda i: ("rare" if i % 10 < 2 else "good",)
    )
    splits = split(items)
    counts = Counter((r.product, r.labels[0], splits[r.name]) for r in items)
    for product in ("p0", "p1"):
        assert counts[product, "rare", "test"] == 10 and counts[product, "good", "test"] == 40
        assert counts[product, "rare", "validation"] == 6
        assert counts[product, "good", "validation"] == 24


def test_each_batch_has_its_share_of_each_class_where_batches_are_learned():
    items = records(
        300, batch=lambda i: f"b{i % 5}", labels=lambda i: ("rare" if i % 3 == 0 else "good",)
    )
    counts = Counter((r.batch, r.labels, s) for r, s in with_splits(items, line="batch"))
    for number in range(5):
        assert counts[f"b{number}", ("rare",), "test"] == 5
        assert counts[f"b{number}", ("good",), "test"] == 10
    plain = Counter((r.batch, r.labels, s) for r, s in with_splits(items))
    assert plain != counts


@pytest.mark.parametrize("size", [3, 4, 5])
def test_small_batches_have_an_image_in_each_split(size):
    items = records(60, batch=lambda i: f"b{i // size}", labels=lambda i: ("good",))
    found = sides(items, split(items, line="batch"), lambda r: r.batch)
    assert all(splits == {"train", "validation", "test"} for splits in found.values())


def test_groups_that_run_through_all_batches_stay_whole():
    items = records(
        240,
        batch=lambda i: f"exp{i % 6}",
        group=lambda i: f"tile{i // 6}",
        labels=lambda i: ("good" if i // 6 % 4 else "bad",),
    )
    splits = split(items, line="batch")
    assert all(len(found) == 1 for found in sides(items, splits, lambda r: r.group).values())
    counts = Counter((r.batch, splits[r.name]) for r in items)
    assert {counts[f"exp{i}", "test"] for i in range(6)} == {10}


def test_a_group_in_two_batches_joins_them_and_leaves_the_others_alone():
    items = records(90, batch=lambda i: f"b{i // 30}", group=lambda i: f"g{i // 2}")
    joined = [replace(r, group="bridge") if r.name in ("r00000", "r00030") else r for r in items]
    before, after = split(items, line="batch"), split(joined, line="batch")
    assert [after[r.name] for r in items[60:]] == [before[r.name] for r in items[60:]]
    assert after["r00000"] == after["r00030"]


def test_the_shares_of_many_small_classes_add_up():
    splits = split(records(300, labels=lambda i: (f"c{i // 3}",)), test=0.4, validation=0.1)
    counts = Counter(splits.values())
    assert abs(counts["validation"] - 30) <= 3 and abs(counts["test"] - 120) <= 20


def test_groups_stay_whole_and_classes_near_their_shares():
    random = Random(0)
    groups = [(f"g{i}", random.choice("aab"), random.randint(1, 8)) for i in range(120)]
    rows = [(group, label) for group, label, size in groups for _ in range(size)]
    items = records(len(rows), labels=lambda i: (rows[i][1],), group=lambda i: rows[i][0])
    splits = split(items)
    assert all(len(s) == 1 for s in sides(items, splits, lambda r: r.group).values())
    for label in "ab":
        members = [splits[r.name] for r in items if r.labels == (label,)]
        assert members.count("test") / len(members) == pytest.approx(0.25, abs=0.03)
        assert members.count("validation") / len(members) == pytest.approx(0.15, abs=0.03)


def test_the_same_seed_splits_alike_in_any_order_and_another_differs():
    items = records(200, labels=lambda i: (f"c{i % 3}",), group=lambda i: f"g{i // 4}")
    shuffled = Random(1).sample(items, len(items))
    assert split(items) == split(shuffled)
    assert split(items) != split(items, seed=1)


def test_a_class_of_one_image_or_one_group_is_trained():
    items = records(
        60,
        labels=lambda i: ("alone",) if i == 7 else ("one_group",) if i >= 50 else ("good",),
        group=lambda i: "g" if i >= 50 else "",
    )
    for seed in range(5):
        splits = split(items, seed=seed)
        assert splits["r00007"] == "train"
        assert sides(items, splits, lambda r: r.labels[0])["one_group"] == {"train"}


def test_two_images_of_a_class_are_trained_and_tested():
    items = records(102, labels=lambda i: ("pair",) if i < 2 else ("good",))
    for seed in range(5):
        assert {split(items, seed=seed)[f"r0000{i}"] for i in (0, 1)} == {"train", "test"}


def test_mixed_groups_never_leave_a_class_only_in_test():
    # Each group holds the common class and one of few rare ones.
    items = records(
        120,
        labels=lambda i: (f"rare{i // 10 % 5}",) if i % 10 == 0 else ("good",),
        group=lambda i: f"g{i // 10}",
    )
    for seed in range(10):
        found = sides(items, split(items, seed=seed), lambda r: r.labels[0])
        assert all("train" in s for s in found.values())


def test_several_labels_are_each_trained_and_tested():
    random = Random(3)
    names = [f"l{i}" for i in range(6)]
    drawn = [tuple(n for k, n in enumerate(names) if random.random() < 0.5**k) for _ in range(300)]
    items = records(300, labels=lambda i: drawn[i])
    splits = split(items)
    found = defaultdict(list)
    for record in items:
        for label in record.labels:
            found[label].append(splits[record.name])
    for members in found.values():
        assert {"train", "test"} <= set(members)
    assert found["l1"].count("test") / len(found["l1"]) == pytest.approx(0.25, abs=0.08)


def test_targets_are_stratified_by_product():
    items = records(80, targets=lambda i: (float(i),), product=lambda i: f"p{i % 2}")
    splits = split(items)
    counts = Counter((r.product, splits[r.name]) for r in items)
    assert counts["p0", "test"] == counts["p1", "test"] == 10


def test_a_fixed_split_is_respected_and_the_rest_is_drawn():
    fixed = {0: "test", 1: "train", 2: "validation"}
    items = records(100, labels=lambda i: ("ab"[i // 50],), split=lambda i: fixed.get(i % 10, ""))
    splits = split(items)
    assert all(splits[r.name] == r.split for r in items if r.split)
    assert Counter(splits.values()) == {"train": 60, "test": 25, "validation": 15}


def test_a_wholly_fixed_split_is_taken_as_it_is():
    items = records(
        10,
        labels=lambda i: ("a",),
        product=lambda i: "seen" if i < 5 else "unseen",
        split=lambda i: "train" if i < 5 else "test",
    )
    assert split(items) == {r.name: r.split for r in items}


def test_the_rest_of_a_group_follows_its_fixed_image():
    items = records(40, group=lambda i: f"g{i // 4}", split=lambda i: "test" if i == 5 else "")
    splits = split(items)
    assert {splits[f"r0000{i}"] for i in range(4, 8)} == {"test"}


def test_no_shares_no_drawing():
    items = records(20, labels=lambda i: ("ab"[i % 2],))
    assert set(split(items, test=0, validation=0).values()) == {"train"}
    assert set(split(items, test=0.5, validation=0).values()) == {"train", "test"}


GOOD = records(10, labels=lambda i: ("a",), product=lambda i: "p")


def test_a_group_fixed_to_two_splits_is_told():
    items = records(4, group=lambda i: "g", split=lambda i: ("test", "train", "", "")[i])
    with pytest.raises(UserError, match="group 'g' is fixed to two splits: r00000 to test, r00001"):
        split(items)


@pytest.mark.parametrize(("test", "validation"), [(0.6, 0.4), (-0.1, 0.1), (1.0, 0.0), (0.1, -1)])
def test_impossible_shares_are_told(test, validation):
    with pytest.raises(UserError, match=r"splits\.test"):
        split(GOOD, test=test, validation=validation)


def test_thirty_thousand_records_take_seconds():
    items = records(
        30_000,
        labels=lambda i: (f"c{i % 7}",),
        product=lambda i: f"p{i // 1500}",
        group=lambda i: f"g{i // 5}",
    )
    start = perf_counter()
    split(items)
    assert perf_counter() - start < 10


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["p", "q"]),
        st.lists(st.sampled_from("abc"), max_size=2, unique=True),
        st.sampled_from(["", "g1", "g2", "g3", "g4", "g5"]),
    ),
    min_size=1,
    max_size=40,
)


@settings(max_examples=40)
@given(ROWS, st.integers(0, 2**32 - 1), st.floats(0, 0.6), st.floats(0, 0.39))
def test_whatever_the_records_groups_stay_whole_and_labels_are_trained(
    rows, seed, test, validation
):
    items = records(
        len(rows),
        product=lambda i: rows[i][0],
        labels=lambda i: tuple(rows[i][1]),
        group=lambda i: rows[i][2],
    )
    splits = split(items, test, validation, seed)
    assert set(splits) == {r.name for r in items}
    for group, found in sides(items, splits, lambda r: r.group).items():
        assert group == "" or len(found) == 1
    trained = {c for r in items if splits[r.name] == "train" for c in r.labels}
    assert trained == {c for r in items for c in r.labels}
    assert splits == split(items[::-1], test, validation, seed)
