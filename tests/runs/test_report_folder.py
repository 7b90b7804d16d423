"""A folder of a report takes new files, and overwrites nobody else's."""

import pytest

from mlff_cli.errors import UserError
from mlff_cli.runs.report_folder import report_folder


def report(target, **files):
    with report_folder(target) as folder:
        for name, text in files.items():
            (folder / name).write_text(text)


def texts(folder):
    return {p.name: p.read_text() for p in folder.iterdir() if not p.name.startswith(".")}


def test_it_is_made_and_written_again(tmp_path):
    report(tmp_path / "a" / "b", table="1", picture="2")
    report(tmp_path / "a" / "b", table="3")
    assert texts(tmp_path / "a" / "b") == {"table": "3", "picture": "2"}


def test_other_files_stay_beside_it(tmp_path):
    (tmp_path / "notes").write_text("mine")
    report(tmp_path, table="1")
    assert texts(tmp_path) == {"notes": "mine", "table": "1"}


@pytest.mark.parametrize("written_before", [False, True])
def test_what_it_did_not_write_or_was_changed_since_is_left_alone(tmp_path, written_before):
    if written_before:
        report(tmp_path, table="1", picture="1")
    (tmp_path / "table").write_text("mine")
    with pytest.raises(UserError, match=r"table would be overwritten.*output="):
        report(tmp_path, table="2", picture="2")
    assert texts(tmp_path)["table"] == "mine"
    assert texts(tmp_path).get("picture", "1") == "1"


def test_a_folder_in_the_place_of_a_file_is_none_of_its_own(tmp_path):
    (tmp_path / "table").mkdir()
    with pytest.raises(UserError, match="would be overwritten"):
        report(tmp_path, table="1")


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(UserError, match="is a file"):
        report(tmp_path / "taken", table="1")


def test_a_report_that_fails_changes_nothing(tmp_path):
    report(tmp_path, table="1")
    with pytest.raises(ZeroDivisionError), report_folder(tmp_path) as folder:
        (folder / "table").write_text("2")
        raise ZeroDivisionError
    assert texts(tmp_path) == {"table": "1"}


@pytest.mark.parametrize("content", ["", "[]", "{"])
def test_a_damaged_listing_makes_every_file_foreign(tmp_path, content):
    report(tmp_path, table="1")
    (tmp_path / ".mlff-report.json").write_text(content)
    with pytest.raises(UserError, match="would be overwritten"):
        report(tmp_path, table="2")
