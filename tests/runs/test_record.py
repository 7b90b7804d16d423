"""run.json: typed, readable, and named where it is damaged."""

import math
from dataclasses import replace

import pytest
from run_samples import FACTS, RECORD

from mlff_cli.errors import UserError
from mlff_cli.runs.record import encoded, read_record


@pytest.fixture
def file(tmp_path):
    return tmp_path / "run.json"


def test_a_record_comes_back_as_it_was(file):
    for record in (RECORD, replace(RECORD, leaks=None, parent="p" * 64, skipped=())):
        file.write_text(encoded(record), encoding="utf-8")
        assert read_record(file) == record
    assert RECORD.images_extracted == 10
    assert "Größe" in file.read_text(encoding="utf-8")


def test_memory_that_was_not_measured_is_blank(file):
    facts = replace(FACTS, peak_memory_mib=None)
    file.write_text(encoded(replace(RECORD, facts=facts)), encoding="utf-8")
    assert read_record(file).facts.peak_memory_mib is None
    spoilt = replace(FACTS, peak_memory_mib=math.nan)
    file.write_text(encoded(replace(RECORD, facts=spoilt)), encoding="utf-8")
    assert read_record(file).facts.peak_memory_mib is None


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"seed": 0', '"seed": "0"', r"facts\.seed"),
        ('"steps": [', '"other": [', "steps"),
        ("{", "", "Expected"),
        ('"passed": false', '"passed": 3', r"leaks"),
    ],
)
def test_damage_is_named_with_its_place(file, old, new, said):
    file.write_text(encoded(RECORD).replace(old, new, 1), encoding="utf-8")
    with pytest.raises(UserError, match=rf"run\.json: is damaged \(.*{said}"):
        read_record(file)


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\0", b"\xff\xfe"])
def test_no_record_at_all_is_damaged(file, content):
    file.write_bytes(content)
    with pytest.raises(UserError, match=r"run\.json: is damaged"):
        read_record(file)
    file.unlink()
    with pytest.raises(UserError, match=r"run\.json: is missing"):
        read_record(file)
