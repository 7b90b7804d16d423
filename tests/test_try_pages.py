"""What scripts/try_pages runs, and that it has run what README and docs/ show now."""

import csv
import os
from importlib import import_module
from pathlib import Path

import pytest
from page_commands import commands_of, tasks_of_runs, with_runs
from page_material import fill_in, write_lists

ROOT = Path(__file__).resolve().parents[1]
PAGE = """# A page

```sh
scripts/mlff train task=custom data.root=images    # a remark
$ mlff predict runs/custom/mlff-1234abcd new/*.png \\
    output=answers.csv
mlff_cli/    a folder
scripts/test
```

`mlff train` in a sentence, and other code:

```python
mlff train
```
"""


@pytest.fixture(scope="module")
def script():
    return import_module("try_pages")


def test_commands_are_the_calls_of_code_blocks_whole_and_without_remarks():
    assert commands_of(PAGE) == [
        "scripts/mlff train task=custom data.root=images",
        "mlff predict runs/custom/mlff-1234abcd new/*.png output=answers.csv",
    ]


def test_made_up_runs_become_the_first_and_the_last_that_are_finished(tmp_path):
    for age, name in enumerate(("mlff-33333333", "mlff-22222222", "mlff-11111111")):
        done = tmp_path / "runs/custom" / name / "DONE"
        done.parent.mkdir(parents=True)
        done.touch()
        os.utime(done, (1000 + age, 1000 + age))
    (tmp_path / "runs/custom/mlff-00000000").mkdir()  # it never came to its end
    command = "mlff adapters diff runs/custom/mlff-1234abcd runs/custom/mlff-5678cdef"
    assert tasks_of_runs(command) == ["custom", "custom"]
    expected = "mlff adapters diff runs/custom/mlff-33333333 runs/custom/mlff-11111111"
    assert with_runs(command, tmp_path) == expected


def test_lists_are_as_wide_as_a_command_needs_them(tmp_path):
    from PIL import Image

    for label in ("good", "pit"):
        file = tmp_path / "images/bolt" / label / "001.png"
        file.parent.mkdir(parents=True)
        Image.new("L", (4, 4), 7).save(file)
    columns = {
        "mlff train dataset=csv data.file=images.csv": ["path", "product", "label"],
        "mlff train data.file=images.csv head=regressor": ["path", "product", "target_brightness"],
        "mlff train data.file=images.csv head=multi_label": ["path", "product", "labels", "batch"],
    }
    for command, expected in columns.items():
        write_lists(command, tmp_path)
        with (tmp_path / "images.csv").open(newline="") as lines:
            rows = list(csv.reader(lines))
        assert rows[0] == expected and len(rows) == 3
        assert rows[1][0] == "images/bolt/good/001.png"


def test_labels_are_filled_in_from_names_of_files(tmp_path):
    (tmp_path / "first.csv").write_text("path,label,reason\nnew/bolt_pit_41.png,,typical\n")
    fill_in(tmp_path / "first.csv")
    assert "new/bolt_pit_41.png,pit,typical" in (tmp_path / "first.csv").read_text()


@pytest.mark.parametrize(
    ("command", "code", "right"),
    [
        ("mlff train", "0", True),
        ("mlff train", "1", False),
        ("mlff adapters diff a b", "1", True),
        ("mlff adapters diff a b", "2", False),
        ("mlff predict a --watch new/ output=b.csv", "130", True),
    ],
)
def test_an_exit_code_is_right_where_the_page_announces_it(script, command, code, right):
    assert script.is_right({"command": command, "exit code": code}) is right


def test_every_command_that_a_page_shows_was_run_and_ended_as_the_page_says(script):
    written = script.written()
    assert all(map(script.is_right, written))
    run = {(row["page"], row["command"]) for row in written}
    for page in script.all_pages():
        shown = commands_of((ROOT / page).read_text(encoding="utf-8"))
        missing = [command for command in shown if (page, command) not in run]
        assert not missing, f"run anew: scripts/try_pages --data <data> {page}"
