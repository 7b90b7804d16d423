"""Pictures drawn beside the run, and what happens when that process is gone."""

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import psutil
import pytest

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
    return Pictures(str(tmp_path), str(tmp_path), "task, mlff", {"shallow": 0.4, "deep": 0.6})


@pytest.fixture
def painter():
    with Painter() as started:
        started.warm_up()
        yield started


def process_of(painter):
    (process,) = painter._pool._processes.values()
    return process


def drawn(pictures):
    return {path.name: path.read_bytes() for path in Path(pictures.target).glob("*.png")}


def draw_there(here, pictures):
    """Draw, unless in this process."""
    assert os.getpid() != here, "drawn here"
    draw(pictures)


def test_the_other_process_draws_what_this_one_would(pictures, painter):
    draw(pictures)
    expected = drawn(pictures)
    assert expected.keys() == NAMES
    for name in NAMES:
        Path(pictures.target, name).unlink()
    painter.begin(partial(draw_there, os.getpid(), pictures))
    painter.finish()
    assert drawn(pictures) == expected


def test_one_process_serves_many_runs(pictures, painter, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "matrix.csv").write_bytes((tmp_path / "matrix.csv").read_bytes())
    before = process_of(painter).pid
    painter.begin(partial(draw, pictures))  # its run fails before it asks
    painter.warm_up()
    later = Pictures(str(other), str(other), "task, mlff", {})
    painter.begin(partial(draw_there, os.getpid(), later))
    painter.finish()
    assert process_of(painter).pid == before
    assert drawn(later).keys() == NAMES - {"level_weights.png"}


@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_its_work_is_done_here(pictures, painter, moment):
    if moment == "after":
        painter.begin(partial(draw, pictures))
    process = process_of(painter)
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    if moment == "before":
        painter.begin(partial(draw, pictures))
    painter.finish()
    assert drawn(pictures).keys() == NAMES


def test_what_cannot_be_drawn_there_is_said_here(pictures, painter, tmp_path):
    (tmp_path / "matrix.csv").unlink()
    painter.begin(partial(draw, pictures))
    with pytest.raises(Exception, match=r"matrix\.csv"):
        painter.finish()
    painter.finish()  # nothing is due any more


def test_without_a_process_it_is_drawn_here(pictures):
    painter = Painter()
    painter.begin(partial(draw, pictures))
    painter.finish()
    assert drawn(pictures).keys() == NAMES


STARTED = """
import time
from mlff_cli.results.painter import Painter
if __name__ == "__main__":
    painter = Painter()
    painter.warm_up()
    (process,) = painter._pool._processes.values()
    print(process.pid, flush=True)
    time.sleep(60)
"""


def test_it_ends_with_the_process_that_started_it_even_if_that_was_killed(tmp_path):
    script = tmp_path / "started.py"
    script.write_text(STARTED, encoding="utf-8")
    with subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, text=True
    ) as starter:
        other = psutil.Process(int(starter.stdout.readline()))
        starter.kill()
    deadline = time.monotonic() + 30
    while other.is_running() and other.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_painter_alone_draws_in_this_process(pictures):
    with Painter(beside=False) as alone:
        alone.warm_up()
        before = len(psutil.Process().children())
        alone.begin(partial(draw_here, os.getpid(), pictures))
        alone.finish()
        assert len(psutil.Process().children()) == before
    assert drawn(pictures).keys() == NAMES


def draw_here(here, pictures):
    """Draw, in this process alone."""
    assert os.getpid() == here, "drawn elsewhere"
    draw(pictures)
