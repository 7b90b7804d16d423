"""Pictures drawn beside the run, and what happens when that process is gone."""

import json
import os
import signal
from pathlib import Path

import pytest

from mlff_cli.results import painter as painters
from mlff_cli.results.matrix import ScoreMatrix
from mlff_cli.results.painter import Painter
from mlff_cli.results.pictures import Pictures, draw

NAMES = {"matrix_mAP.png", "curve_mAP.png", "level_weights.png"}


@pytest.fixture
def pictures(tmp_path):
    matrix = ScoreMatrix(["a", "b"], 2)
    for trained, scored, value in ((1, 1, 0.9), (2, 1, 0.7), (2, 2, 0.8)):
        matrix.add(trained, scored, "mAP", value=value, n=10)
    matrix.to_csv(tmp_path / "matrix.csv")
    return Pictures(str(tmp_path), "task, mlff", {"shallow": 0.4, "deep": 0.6})


@pytest.fixture
def painter():
    started = Painter()
    started.warm_up()
    yield started
    painters._end(started._process)


def drawn(pictures):
    return {path.name: path.read_bytes() for path in Path(pictures.folder).glob("*.png")}


def test_the_other_process_draws_what_this_one_would(pictures, painter, monkeypatch):
    draw(pictures)
    expected = drawn(pictures)
    assert expected.keys() == NAMES
    for name in NAMES:
        Path(pictures.folder, name).unlink()
    monkeypatch.setattr(painters, "draw", lambda pictures: pytest.fail("drawn here"))
    painter.begin(pictures)
    painter.finish()
    assert drawn(pictures) == expected


def test_one_process_serves_many_runs_and_skips_answers_nobody_waited_for(
    pictures, painter, tmp_path, monkeypatch
):
    other = tmp_path / "other"
    other.mkdir()
    (other / "matrix.csv").write_bytes((tmp_path / "matrix.csv").read_bytes())
    monkeypatch.setattr(painters, "draw", lambda pictures: pytest.fail("drawn here"))
    before = painter._process.pid
    painter.begin(pictures)  # its run fails before it asks
    painter.warm_up()
    later = Pictures(str(other), "task, mlff", {})
    painter.begin(later)
    painter.finish()
    assert painter._process.pid == before
    assert drawn(later).keys() == NAMES - {"level_weights.png"}


@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_its_work_is_done_here(pictures, painter, moment):
    if moment == "before":
        os.kill(painter._process.pid, signal.SIGKILL)
        painter._process.wait()
    painter.begin(pictures)
    if moment == "after":
        os.kill(painter._process.pid, signal.SIGKILL)
    painter.finish()
    assert drawn(pictures).keys() == NAMES


def test_what_cannot_be_drawn_there_is_said_here(pictures, painter, tmp_path):
    (tmp_path / "matrix.csv").unlink()
    painter.begin(pictures)
    with pytest.raises(Exception, match=r"matrix\.csv"):
        painter.finish()
    painter.finish()  # nothing is due any more


def test_without_a_process_it_is_drawn_here(pictures):
    painter = Painter()
    painter.begin(pictures)
    painter.finish()
    assert drawn(pictures).keys() == NAMES


def test_it_ends_with_the_process_that_started_it(painter):
    painter._process.stdin.close()
    assert painter._process.wait(timeout=30) == 0


def test_requests_are_one_line_each():
    request = Pictures("a\nb", 'c"d', {"e\nf": 1.0})
    assert "\n" not in json.dumps(vars(request))
