"""The page of a report as text: whole, escaped, small."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from pages_for_tests import AWKWARD, run_page_of
from predictions_for_tests import numbers, predictions

from mlff_cli.results import page as package
from mlff_cli.results.matrix import ScoreMatrix
from mlff_cli.results.page.page import comparison_page, run_page
from mlff_cli.results.page.svg import Bar
from mlff_cli.results.page.verdict import headline
from mlff_cli.results.table import Column, Table

VOID = {"meta", "img", "input", "br"}


class Reader(HTMLParser):
    """Takes note of tags, and that each one is closed in its turn."""

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.links, self.said = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in ("src", "href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("style", "script"):
            self.said.append(data)


def read(text):
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    return reader


def test_names_are_shown_letter_by_letter_and_never_become_tags():
    text = run_page(run_page_of())
    reader = read(text)
    assert not {"b-", "i", "task", "a"} & set(reader.tags)
    assert set(reader.tags) >= {"svg", "table", "script", "details"}
    said = " ".join(reader.said)
    for name in (
        *AWKWARD,
        "<i>scratch",
        "A <task>",
        "<a>.png: is empty",
        "root: <there>",
        "<0>.png",
    ):
        assert name in said
    assert "<img src=x" not in text


def test_nothing_is_fetched_from_anywhere():
    text = run_page(run_page_of())
    assert all(link.startswith("data:image/") for link in read(text).links)
    assert not re.search(r"https?://|@import|url\(", text)


def test_a_thousand_images_stay_below_three_megabytes():
    text = run_page(run_page_of(count=500))
    assert len(text.encode()) < 3e6


def test_the_script_is_short_and_no_framework():
    script = Path(package.__file__).with_name("report.js").read_text("utf-8")
    assert len(script.splitlines()) <= 300


def test_the_verdict_comes_first_with_its_bounds():
    said = " ".join(read(run_page(run_page_of())).said)
    assert "with 95 % certainty" in said
    assert said.index("After the last training: accuracy") < said.index("Scores after each")
    assert "At their 2 thresholds, chosen on validation images: escape" in said
    assert "split: no near-duplicates" in said


def test_a_leak_is_a_warning():
    page = run_page_of(leaks="WARNING: the split leaks", leaking=True)
    assert '<div class="warning"><p>WARNING: the split leaks' in run_page(page)


def test_the_row_before_training_takes_no_part_in_the_colours():
    text = run_page(run_page_of())
    assert text.count('style="background: #f3f4f6">5.0</td>') == 2


def test_what_is_not_there_has_no_heading():
    bare = replace(
        run_page_of(), matrix=None, points=[], worst=[], skipped=[], scored=[], figures={}, leaks=""
    )
    text = run_page(bare)
    for heading in ("Good or defective", "The worst images", "Images left out", "after each"):
        assert f"<h2>{heading}" not in text
    assert "older version, which kept no predictions" in text
    read(text)


@pytest.mark.parametrize(
    "part",
    [predictions("g"), numbers([[1.0]], [[2.0]]), predictions(["-", "sp"], kind="labels")],
)
def test_one_image_numbers_and_labels(part):
    page = replace(run_page_of(), scored=[part], figures={}, points=[], worst=[])
    said = " ".join(read(run_page(page)).said)
    assert ("taken for" in said) == (part.kind == "class")


def test_several_runs_are_one_page():
    table = Table(
        "", [Column("method", definition="how"), Column("final mAP", "fraction")],
        [{"method": "<mlff>", "final mAP": 0.9}, {"method": "b", "final mAP": 0.8}],
    )  # fmt: skip
    bars = [Bar("<mlff>", 0.9, 0.02), Bar("b", 0.8, float("nan"))]
    said = " ".join(read(comparison_page("2 runs", table, ["a remark"], bars, "final mAP")).said)
    assert "<mlff>" in said
    assert "90.0" in said
    assert "a remark" in said
    read(comparison_page("1 run", table, [], [], ""))


def test_experiences_that_could_not_be_scored_again_have_no_average():
    matrix = ScoreMatrix(["a", "b", "c"], 2)
    for trained, scored in ((1, 1), (2, 2), (2, 3)):
        matrix.add(trained, scored, "accuracy", value=0.5, n=4)
    assert "1 of 2 experiences could not be scored again" in headline(matrix)
    matrix.add(2, 1, "accuracy", value=0.7, n=4)
    assert headline(matrix).startswith("After the last training: accuracy 60.0 %")
