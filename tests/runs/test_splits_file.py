"""splits.csv: written, read, and held against images that may have moved."""

from dataclasses import replace
from pathlib import Path

import pytest

from mlff_cli.data.files import FileImage
from mlff_cli.errors import UserError
from mlff_cli.runs.splits_file import as_split, differences, read_rows, split_rows, written
from mlff_cli.tasks.record import Record


def record(name, **fields):
    return Record(name, FileImage(Path(name)), **fields)


RECORDS = [
    record('a "b", c.png', labels=("x", "y"), product="p", batch="7"),
    record("n.png", targets=(0.1, -2.0), group="g"),
    record("m.png", labels=("x",)),
]
SPLITS = {'a "b", c.png': "test", "n.png": "train", "m.png": "validation"}
CONTENTS = [letter * 64 for letter in "abc"]
ROWS = split_rows(RECORDS, SPLITS, CONTENTS)


def test_rows_come_back_as_they_were(tmp_path):
    (tmp_path / "splits.csv").write_text(written(ROWS), encoding="utf-8")
    assert read_rows(tmp_path / "splits.csv") == ROWS
    first, second, _ = ROWS
    assert (first.labels, first.split, first.content) == ("x;y", "test", "a" * 64)
    assert (second.targets, second.group, second.labels) == ("0.1;-2.0", "g", "")


@pytest.mark.parametrize("text", ["", "name,split\n", written(ROWS) + "one cell\n", "\0"])
def test_a_damaged_file_is_named(tmp_path, text):
    (tmp_path / "splits.csv").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=r"splits\.csv: is damaged"):
        read_rows(tmp_path / "splits.csv")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"splits\.csv: cannot be read"):
        read_rows(tmp_path / "splits.csv")


def test_images_that_moved_keep_the_split_of_their_content():
    moved = [replace(r, name=f"elsewhere/{r.name}") for r in reversed(RECORDS)]
    fixed = as_split(moved, CONTENTS[::-1], ROWS)
    assert [r.split for r in fixed] == ["validation", "train", "test"]
    now = {r.name: r.split for r in fixed}
    assert differences(ROWS, split_rows(fixed, now, CONTENTS[::-1])) == []


def test_of_images_with_one_content_the_name_decides():
    twins = [record("left.png"), record("right.png")]
    rows = split_rows(twins, {"left.png": "train", "right.png": "test"}, ["d" * 64] * 2)
    assert [r.split for r in as_split(twins, ["d" * 64] * 2, rows)] == ["train", "test"]
    (unknown,) = as_split([record("new.png")], ["e" * 64], rows)
    assert unknown.split == ""


def test_what_differs_is_counted_and_named():
    other = [RECORDS[0], replace(RECORDS[2], labels=("y",)), record("new.png")]
    now = split_rows(other, {**SPLITS, "new.png": "test"}, [CONTENTS[0], CONTENTS[2], "f" * 64])
    assert differences(ROWS, now) == [
        "1 images are gone: n.png",
        "1 images are new: new.png",
        "1 images have another content, label or split: m.png",
    ]
