"""What else is in a data set moves nobody: each product, batch or class is drawn by itself."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlff_cli.data.generated import GeneratedImage
from mlff_cli.tasks.record import Record
from mlff_cli.tasks.splits import split_records

IMAGE = GeneratedImage("surfaces", ())
LINES = ["product", "batch", "class"]


def atom_records(line, atom, rows):
    """Records of one product, batch or class; a row is a class and a group, "" for none."""
    return [
        Record(
            f"{atom}/{number}",
            IMAGE,
            labels=(atom if line == "class" else label,),
            product=atom if line == "product" else "",
            batch=atom if line == "batch" else "",
            group=group and f"{atom}/{group}",
        )
        for number, (label, group) in enumerate(rows)
    ]


def split(records, line, seed=0, test=0.25, validation=0.15):
    return split_records(records, line=line, test=test, validation=validation, seed=seed)


ROWS = st.lists(
    st.tuples(st.sampled_from(["good", "pit"]), st.sampled_from(["", "g1", "g2", "g3"])),
    min_size=1,
    max_size=12,
)
OTHERS = st.dictionaries(st.text("abc ß+,", min_size=1, max_size=4), ROWS, max_size=4)


@pytest.mark.parametrize("line", LINES)
@given(own=ROWS, others=OTHERS, seed=st.integers(0, 2**64), random=st.randoms())
def test_adding_removing_renaming_and_reordering_others_moves_nobody(
    line, own, others, seed, random
):
    records = atom_records(line, "own", own)
    alone = split(records, line, seed)
    for atom, rows in others.items():
        records += atom_records(line, atom, rows)
    random.shuffle(records)
    found = split(records, line, seed)
    assert {name: found[name] for name in alone} == alone


def test_a_third_product_moves_none_of_the_images_of_the_first_two():
    # The case that was measured: 103 of 160 records changed their split, 30 left training for test.
    rows = [("good" if number % 2 else "pit", "") for number in range(80)]
    old = [*atom_records("product", "bolt", rows), *atom_records("product", "nut", rows)]
    before = split(old, "product")
    after = split([*old, *atom_records("product", "screw", rows)], "product")
    assert {name: after[name] for name in before} == before


@pytest.mark.parametrize("line", LINES)
def test_atoms_of_the_same_images_are_drawn_differently_and_so_are_seeds(line):
    rows = [("good", "")] * 60
    records = [*atom_records(line, "a", rows), *atom_records(line, "b", rows)]
    splits = split(records, line)
    parts = [[splits[f"{atom}/{number}"] for number in range(60)] for atom in "ab"]
    assert parts[0] != parts[1]
    assert split(records, line, seed=1) != splits


def test_the_line_counts_since_the_same_name_may_be_a_product_and_a_batch():
    records = [
        replace(record, batch="x") for record in atom_records("product", "x", [("good", "")] * 60)
    ]
    assert split(records, "product") != split(records, "batch")


def test_batches_that_share_a_group_are_drawn_together_in_any_order():
    rows = [("good", f"g{number // 2}") for number in range(20)]
    records = [*atom_records("batch", "a", rows), *atom_records("batch", "b", rows)]
    shared = [replace(record, group=record.group[2:]) for record in records]
    splits = split(shared, "batch")
    assert [splits[f"a/{n}"] for n in range(20)] == [splits[f"b/{n}"] for n in range(20)]
    assert splits == split(Random(0).sample(shared, len(shared)), "batch")
    more = split([*shared, *atom_records("batch", "c", rows)], "batch")
    assert {name: more[name] for name in splits} == splits
