"""``mlff predict --watch``: images as they arrive, each once, whatever happens in between."""

import csv
import errno
import json
import os
import shutil
import signal
import time

import numpy as np
import pytest
from command_calls import call, refusal, start
from PIL import Image

from mlff_cli.data.surfaces import draw
from mlff_cli.runs import watching
from mlff_cli.runs.predicting import Predictor

PRODUCT = "product=woven_fabric"
LABELS = ("good", "slub", "hole")


@pytest.fixture
def pool(tmp_path):
    """Images to come: three of 32 px, and one that is damaged."""
    folder = tmp_path / "pool"
    folder.mkdir()
    for number, label in enumerate(LABELS):
        pixels = draw(3, "woven_fabric", label, number, 32)
        Image.fromarray(pixels).save(folder / f"{label}.png")
    (folder / "broken.png").write_bytes((folder / "good.png").read_bytes()[:200])
    return folder


@pytest.fixture
def new(empty):
    folder = empty / "new"
    folder.mkdir()
    return folder


def words(run_folder, *more):
    return ("predict", str(run_folder), "--watch", "new", PRODUCT, "interval=0.05", *more)


def rows(path):
    if not path.is_file():
        return []
    text = path.read_bytes().decode("utf-8")
    return list(csv.DictReader(text.splitlines(keepends=True), strict=True))


def wait_for(count, path, process):
    until = time.monotonic() + 60
    while len(rows(path)) < count:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until, rows(path)
        time.sleep(0.02)
    assert len(rows(path)) == count


def ended(process, number):
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    return process.returncode, out, err


def test_a_stream_of_images_a_stop_and_a_restart(run_folder, pool, new, empty):
    told = empty / "told.csv"
    shutil.copy(pool / "good.png", new / "first.png")
    watching_one = start(*words(run_folder, "settle=0.3", "output=told.csv"), folder=empty)
    wait_for(1, told, watching_one)

    awkward = 'a, "b"\nü=1.png'
    shutil.copy(pool / "slub.png", new / awkward)
    (new / "deeper").mkdir()
    shutil.copy(pool / "good.png", new / "deeper" / "first.png")  # the same content once more
    shutil.copy(pool / "broken.png", new / "broken.png")
    content = (pool / "hole.png").read_bytes()
    with (new / "slow.png").open("wb") as file:
        for start_at in range(0, len(content), len(content) // 4 + 1):
            file.write(content[start_at : start_at + len(content) // 4 + 1])
            file.flush()
            time.sleep(0.12)
    wait_for(5, told, watching_one)

    twice = refusal(*words(run_folder, "output=told.csv"))
    assert f"process {watching_one.pid} " in twice and "adding answers" in twice
    plainly = call("predict", str(run_folder), str(pool), PRODUCT, "output=told.csv")
    assert plainly.code == 2 and "adding answers" in plainly.err
    code, out, err = ended(watching_one, signal.SIGTERM)
    assert (code, err) == (143, "mlff: terminated; the same command goes on\n")
    assert "first.png: " in out and "broken.png: is " in out and "1 could not be read" in out
    assert "watching" in out.splitlines()[0]
    before = told.read_bytes()

    with told.open("ab") as file:
        file.write(b"/half/a/line.png,0123")  # as a kill leaves it
    shutil.copy(pool / "hole.png", new / "first.png")  # replaced
    shutil.copy(pool / "good.png", new / "broken.png")  # mended
    os.utime(new / awkward)  # touched
    again = start(*words(run_folder, "settle=0", "output=told.csv"), folder=empty)
    wait_for(7, told, again)
    code, out, err = ended(again, signal.SIGINT)
    assert (code, err) == (130, "mlff: interrupted; the same command goes on\n")
    assert "5 answers stand in told.csv" in out
    assert told.read_bytes().startswith(before)

    found = rows(told)
    marks = [(os.path.relpath(row["path"], new), row["content"]) for row in found]
    assert len(set(marks)) == 7
    assert sorted(name for name, _ in marks) == sorted(
        ["first.png", "first.png", awkward, "deeper/first.png", "slow.png", *["broken.png"] * 2]
    )
    assert all(len(row["content"]) == 64 for row in found)
    call("predict", str(run_folder), str(pool), PRODUCT, "output=plain.csv")
    plain = {row["content"]: row for row in rows(empty / "plain.csv") if row["content"]}
    for row in found:
        if not row["problem"]:
            expected = plain[row["content"]]
            assert row["label"] == expected["label"]
            for name in (key for key in row if key.startswith("score ")):
                assert float(row[name]) == pytest.approx(float(expected[name]), abs=1e-5)
    assert {path.name for path in empty.iterdir()} == {
        "new", "told.csv", "plain.csv", ".told.csv.lock"
    }  # fmt: skip


@pytest.fixture
def looks(monkeypatch):
    """What happens between two looks into the folder; then Ctrl-C."""
    steps = []

    def sleep(_):
        if not steps:
            raise KeyboardInterrupt
        steps.pop(0)()

    monkeypatch.setattr(watching.time, "sleep", sleep)
    return steps


def watch(run_folder, *more):
    return call(*words(run_folder, "settle=0", *more))


def test_a_folder_that_vanishes_leaves_the_answers(run_folder, pool, new, empty, looks):
    shutil.copytree(pool, new / "in")
    looks += [lambda: new.rename(empty / "moved")]
    result = watch(run_folder, "output=new/told.jsonl")
    assert result.code == 2
    assert result.err.count("\n") == 1 and "the folder is gone" in result.err
    lines = (empty / "moved" / "told.jsonl").read_text("utf-8").splitlines()
    assert len([json.loads(line) for line in lines]) == 4
    missing = refusal(*words(run_folder, "output=told.csv"))
    assert "does not exist" in missing
    assert not (empty / "told.csv").exists()


def test_a_disk_that_is_full_takes_no_half_a_line(run_folder, pool, new, empty, looks):
    shutil.copy(pool / "good.png", new)
    assert watch(run_folder, "output=told.csv").code == 130
    before = (empty / "told.csv").read_bytes()
    assert len(rows(empty / "told.csv")) == 1
    shutil.copy(pool / "hole.png", new)

    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", full)
        result = watch(run_folder, "output=told.csv")
    assert result.code == 2
    assert result.err.startswith("mlff: ") and "no space is left" in result.err
    assert (empty / "told.csv").read_bytes() == before
    assert watch(run_folder, "output=told.csv").code == 130
    assert len(rows(empty / "told.csv")) == 2


def test_answers_of_another_product_or_run_are_not_mixed(run_folder, pool, new, empty, looks):
    shutil.copy(pool / "good.png", new)
    assert watch(run_folder, "output=told.csv").code == 130
    before = (empty / "told.csv").read_bytes()
    other = words(run_folder, "product=brushed_metal", "output=told.csv")
    assert "columns are not those" in refusal(*other)
    shutil.copytree(run_folder, empty / "other")
    assert "answered by another run" in refusal(*words(empty / "other", "output=told.csv"))
    assert (empty / "told.csv").read_bytes() == before


def test_pictures_are_numbered_as_the_answers_are(run_folder, pool, new, empty, looks):
    shutil.copy(pool / "good.png", new)
    looks += [lambda: shutil.copy(pool / "broken.png", new)]
    options = ("output=told.csv", "overlays=where")
    assert watch(run_folder, *options).code == 130
    shutil.copy(pool / "hole.png", new)
    assert watch(run_folder, *options).code == 130
    made = sorted(path.name for path in (empty / "where").iterdir())
    assert made == ["00001_good.png", "00003_hole.png"]
    assert [row["path"].rpartition("/")[2] for row in rows(empty / "told.csv")] == [
        "good.png", "broken.png", "hole.png"
    ]  # fmt: skip


@pytest.mark.usefixtures("new", "looks")
@pytest.mark.parametrize("answered", [True, False])
def test_an_image_that_is_taken_away(run_folder, pool, empty, monkeypatch, answered):
    shutil.copy(pool / "good.png", empty / "new")
    answers = Predictor.answers

    def taking_away(predictor, paths):
        found = list(answers(predictor, paths)) if answered else []
        for path in paths:
            path.unlink()
        return found or list(answers(predictor, paths))

    monkeypatch.setattr(Predictor, "answers", taking_away)
    result = watch(run_folder, "output=told.csv")
    assert len(rows(empty / "told.csv")) == int(answered)
    assert ("good.png: was gone before it was answered" in result.out) is not answered


def test_what_does_not_fit_is_refused(run_folder, new, empty):
    run = str(run_folder)
    assert "needs output=" in refusal("predict", run, "--watch=new", PRODUCT)
    assert "needs output=" in refusal("predict", run, "watch=new", PRODUCT)
    assert "no images" in refusal("predict", run, "a.png", "--watch", "new", "output=a.csv")
    assert "needs a run" in refusal("predict", "--watch", "new", "output=a.csv")
    assert "--watch needs a value" in refusal("predict", run, "--watch")
    assert ".csv or .jsonl" in refusal("predict", run, "--watch", "new", "output=a.txt")
    lies = refusal("predict", run, "--watch", "new", "output=a.csv", "overlays=new/where")
    assert "lies in the watched folder" in lies
    assert "no flag '--watch'" in refusal("train", "--watch", "new")
    assert list(empty.iterdir()) == [new] and list(new.iterdir()) == []


def test_memory_holds_nothing_of_images_that_were_answered(run_folder, pool, new, empty, looks):
    """Of damaged ones neither, which come one by one here."""
    from mlff_cli.features.features import Features

    held = []
    forget = Features.forget

    def forgetting(features):
        forget(features)
        held.append(len(features._identities) + len(features._keys))

    shutil.copy(pool / "broken.png", new)
    for number in range(3):
        looks += [lambda number=number: (new / f"{number}.png").write_bytes(b"%d" % number)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Features, "forget", forgetting)
        assert watch(run_folder, "output=told.csv").code == 130
    assert held == [0, 0, 0, 0]
    assert len(rows(empty / "told.csv")) == 4
    assert all(row["problem"] for row in rows(empty / "told.csv"))


def test_images_of_any_name_are_known_again(run_folder, new, empty, looks):
    names = ["ä.png", "漢字.png", "b\udcff.png", "tab\t.png", "cr\r.png", "'q\".png", "=1.png"]
    for number, name in enumerate(names):
        Image.fromarray(np.full((32, 32, 3), number, np.uint8)).save(new / "x.png")
        (new / "x.png").rename(new / name)
    assert watch(run_folder, "output=told.csv").code == 130
    again = watch(run_folder, "output=told.csv")
    assert "7 answers stand" in again.out and "no image was new" in again.out
