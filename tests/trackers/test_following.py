"""What a tracker is told, whatever becomes of it and of the run."""

import logging
import time
from itertools import count
from typing import ClassVar

import pytest

from mlff_cli.results.matrix import TOGETHER, ScoreMatrix
from mlff_cli.trackers import following as module
from mlff_cli.trackers.base import Findings, Tracker, admitted, points_of, without_invalid
from mlff_cli.trackers.following import NOTE, Following

CONFIG = {"tracker": {"name": "memory"}, "seed": 3}
NUMBERS = count(1)


class Memory(Tracker):
    """Keeps everything in dictionaries that later ones share."""

    runs: ClassVar[dict] = {}

    def __init__(self, asked=True):
        self.asked, self.run = asked, None

    def begin(self, subject, earlier):
        self.run = earlier if earlier in self.runs else f"run {next(NUMBERS)}"
        self.runs.setdefault(self.run, {"subject": subject, "points": [], "end": None})
        return self.run

    def holds(self):
        points = self.runs[self.run]["points"]
        return {(point.key, point.step) for point in points} if self.asked else ()

    def add(self, points):
        self.runs[self.run]["points"] += points

    def finish(self, findings, step):
        self.runs[self.run]["end"] = (findings, step)

    def break_off(self):
        self.runs[self.run]["end"] = "broken off"


@pytest.fixture(autouse=True)
def runs(monkeypatch):
    monkeypatch.setattr(Memory, "runs", {})
    return Memory.runs


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "custom" / "mlff-12345678"
    path.mkdir(parents=True)
    return path


@pytest.fixture
def said(caplog, monkeypatch):
    monkeypatch.setattr(logging.getLogger("mlff_cli"), "propagate", True)
    return caplog


def matrix(learned, names=("bolt", "nut", "pin")):
    """Return the scores after so many trainings."""
    made = ScoreMatrix(names, len(names))
    for trained in range(learned + 1):
        for scored in range(1, trained + 1):
            made.add(trained, scored, "accuracy", value=trained / 10 + scored / 100, n=5)
    return made


def told(runs, run="run"):
    (only,) = [content for name, content in runs.items() if name.startswith(run)]
    return [(point.key, point.step) for point in only["points"]]


EVERY = [(f"accuracy/{place} {name}", step) for place, name in
         ((1, "bolt"), (2, "nut"), (3, "pin")) for step in range(place, 4)]  # fmt: skip


def test_each_experience_is_told_once_and_the_end(folder, runs):
    findings = Findings({"final accuracy": 0.5}, [], folder)
    with Following(Memory(), folder, CONFIG) as following:
        for learned in range(4):
            following.scores(matrix(learned))
        following.finish(lambda: findings, 3)
    assert sorted(told(runs)) == EVERY
    (run,) = runs.values()
    assert run["end"] == (findings, 3)
    assert run["subject"].name == "custom/mlff-12345678" and run["subject"].config == CONFIG


@pytest.mark.parametrize("asked", [True, False])
def test_a_run_that_was_broken_off_goes_on_in_the_same_run_of_the_tracker(folder, runs, asked):
    with pytest.raises(KeyboardInterrupt), Following(Memory(asked), folder, CONFIG) as following:
        following.scores(matrix(2))
        raise KeyboardInterrupt
    assert next(iter(runs.values()))["end"] == "broken off"
    with Following(Memory(asked), folder, CONFIG) as following:
        following.scores(matrix(2))
        following.scores(matrix(3))
    assert len(runs) == 1 and sorted(told(runs)) == EVERY


def test_what_was_written_and_not_noted_is_not_written_again(folder, runs):
    with Following(Memory(), folder, CONFIG) as following:
        following.scores(matrix(1))
        noted = (folder / NOTE).read_text()
        following.scores(matrix(2))
    (folder / NOTE).write_text(noted)  # as if the process had been killed in between
    with Following(Memory(), folder, CONFIG) as following:
        following.scores(matrix(3))
    assert len(runs) == 1 and sorted(told(runs)) == EVERY


def test_a_tracker_that_comes_later_is_told_what_was_before(folder, runs):
    with Following(Memory(), folder, CONFIG) as following:
        following.scores(matrix(3))
    assert sorted(told(runs)) == EVERY


def test_a_run_that_starts_over_has_a_new_one(folder, runs):
    for learned in (2, 1):
        with Following(Memory(), folder, CONFIG) as following:
            following.scores(matrix(learned))
    assert len(runs) == 2


@pytest.mark.parametrize("note", ["", "{", "[]", '{"tracker": "other", "run": "run 1"}'])
def test_a_note_that_is_damaged_or_another_tracker_s_counts_for_nothing(folder, runs, note):
    (folder / NOTE).write_text(note)
    with Following(Memory(), folder, CONFIG) as following:
        following.scores(matrix(3))
    assert sorted(told(runs)) == EVERY


def test_a_run_that_the_tracker_has_no_more_is_told_anew(folder, runs):
    with Following(Memory(), folder, CONFIG) as following:
        following.scores(matrix(2))
    runs.clear()
    with Following(Memory(), folder, CONFIG) as following:
        following.scores(matrix(3))
    assert sorted(told(runs)) == EVERY


class Failing(Memory):
    """Does something bad at one of its methods."""

    def __init__(self, where, how):
        super().__init__()
        self.calls = 0

        def fail(*_):
            self.calls += 1
            return how()

        setattr(self, where, fail)


def raises():
    raise OSError("the disk of the tracker is full")


def leaves():
    raise SystemExit(3)


def hangs():
    time.sleep(1.0)
    return "late"


@pytest.mark.parametrize("how", [raises, leaves, hangs], ids=lambda how: how.__name__)
@pytest.mark.parametrize("where", ["begin", "add", "finish"])
def test_a_tracker_that_fails_is_told_of_once_and_the_run_goes_on(
    folder, said, monkeypatch, where, how
):
    monkeypatch.setattr(module, "PATIENCE", 0.2)
    tracker = Failing(where, how)
    with Following(tracker, folder, CONFIG) as following:
        for learned in range(4):
            following.scores(matrix(learned))
        following.finish(lambda: Findings({}, [], folder), 3)
    (line,) = [r.getMessage() for r in said.records]
    assert line.startswith("tracker=memory failed, the run goes on without: ")
    reasons = {raises: "disk of the tracker", leaves: "SystemExit(3)", hangs: "no answer within"}
    assert reasons[how] in line
    assert tracker.calls == 1


def test_findings_that_cannot_be_made_harm_nothing(folder, said):
    with Following(Memory(), folder, CONFIG) as following:
        following.scores(matrix(1))
        following.finish(raises, 1)
    assert len(said.records) == 1


def test_without_a_tracker_nothing_is_done_and_nothing_written(folder, runs):
    with Following(None, folder, CONFIG) as following:
        following.scores(matrix(3))
        following.finish(raises, 3)
    assert not runs and not list(folder.iterdir())


def test_an_interruption_comes_through(folder):
    with pytest.raises(KeyboardInterrupt), Following(Memory(), folder, CONFIG):
        raise KeyboardInterrupt


def test_names_of_numbers_are_of_a_kind_and_admitted():
    made = ScoreMatrix([f"a({letter})" for letter in "bcdefghijkl"], 11)
    made.add(1, 1, "mAP", value=0.5, n=3)
    made.add(1, 2, "mAP", value=float("nan"), n=3)
    made.add(1, 10, "mae x/y", value=2.0, n=3)
    made.add(1, TOGETHER, "mAP", value=0.25, n=6)
    assert [tuple(point) for point in points_of(made)] == [
        ("mAP/01 a_b_", 1, 0.5),
        ("mAP/all", 1, 0.25),
        ("mae x_y/10 a_k_", 1, 2.0),
    ]
    assert admitted("größe.1-a b") == "größe.1-a b"
    assert without_invalid("peak memory (MiB)") == "peak memory MiB"
