"""A machine that fails: disk, memory, processes, clock, numbers."""

import errno
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path

import numpy as np
import pytest
from refusals import FOLDER, TRIED, cut, refused, run_of

from mlff_cli.data.files import FileImage
from mlff_cli.runs.folder import RunFolder


def mounted(folder: Path, *options: str) -> bool:
    """Mount a small file system in memory; false where that is not permitted."""
    folder.mkdir(exist_ok=True)
    words = ["mount", "-t", "tmpfs", *options, "tmpfs", str(folder)]
    try:
        return subprocess.run(words, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


@pytest.fixture
def small_disk(place: Path) -> Iterator[Path]:
    """A file system of 128 KiB."""
    folder = place / "disk"
    if not mounted(folder, "-o", "size=128k"):
        pytest.skip("mounting a file system is not permitted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_and_a_read_only_one(place, mlff, small_disk):
    words = (*FOLDER, "paths.runs=disk")
    refused(mlff, "disk full", words, "disk/", "no space is left", "resumes the run")
    filler = small_disk / "filler"
    with pytest.raises(OSError, match="No space"), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    anew = (*FOLDER, "paths.features=disk/features", "data.image_size=40")
    refused(
        mlff, "disk of the features full", anew, "disk/features", "no space left", "paths.features"
    )
    filler.unlink()
    remount = ["mount", "-o", "remount,size=64m", str(small_disk)]
    subprocess.run(remount, check=True)
    code, said = mlff(*words)
    assert code == 0, said
    (matrix,) = place.glob("disk/custom/*/matrix.csv")
    assert matrix.read_bytes() == (place / "runs" / run_of(place) / "matrix.csv").read_bytes()
    subprocess.run([*remount[:2], "remount,ro", str(small_disk)], check=True)
    code, said = mlff(*words)
    assert code == 0, said  # what is finished needs no writing
    anew = (*words, "seed=1")
    refused(mlff, "read-only run folder", anew, "disk/", "cannot be written", "paths.runs")


def test_a_full_disk_is_told_where_none_can_be_mounted(place, mlff, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("mlff_cli.system.files.os.fsync", full)
    refused(mlff, "disk full at once", (*FOLDER, "seed=1"), "runs/custom/", "No space left")


def fail_above(batch: int, error: Exception) -> Callable[..., object]:
    from mlff_cli.backbones.network import Backbone

    forward = Backbone.forward

    def limited(self, images):
        if len(images) > batch:
            raise error
        return forward(self, images)

    return limited


@pytest.mark.parametrize(
    "error",
    [RuntimeError("CUDA out of memory. Tried to allocate"), MemoryError()],
    ids=["cuda", "cpu"],
)
def test_extraction_halves_its_batch_when_memory_runs_out(place, mlff, monkeypatch, error):
    TRIED.add(f"out of memory in extraction, {type(error).__name__}")
    monkeypatch.setattr("mlff_cli.backbones.network.Backbone.forward", fail_above(2, error))
    code, said = mlff(*FOLDER, "paths.runs=new", "paths.features=anew")
    assert code == 0, said
    assert "out of memory" in said
    assert "2 images at a time" in said
    (matrix,) = place.glob("new/custom/*/matrix.csv")
    rows, before = (np.genfromtxt(f, delimiter=",", usecols=4, skip_header=1)
                    for f in (matrix, place / "runs" / run_of(place) / "matrix.csv"))  # fmt: skip
    np.testing.assert_allclose(rows, before, atol=0.01)


def test_memory_that_suffices_for_no_image_is_told(place, mlff, monkeypatch):
    error = RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")
    monkeypatch.setattr("mlff_cli.backbones.network.Backbone.forward", fail_above(0, error))
    words = (*FOLDER, "seed=1", "paths.features=anew")
    refused(mlff, "out of memory for one image", words, "out of memory", "data.image_size")


def test_a_worker_process_that_dies_is_told(place, mlff, monkeypatch):
    from torch.utils.data import get_worker_info

    load = FileImage.load

    def die(self):
        if get_worker_info() is not None:
            os.kill(os.getpid(), 9)
        return load(self)

    monkeypatch.setattr(FileImage, "load", die)
    words = (*FOLDER, "trainer.workers=1", "trainer.batch_size=4", "paths.features=anew", "seed=1")
    refused(mlff, "worker process dies", words, "was killed", "trainer.workers=0")


def test_a_bad_image_is_named_by_a_worker_process(place, mlff):
    cut(place / "images/bolt/good/3.png")
    words = (*FOLDER, "trainer.workers=1", "trainer.batch_size=4", "seed=1")
    refused(mlff, "bad image in a worker process", words, "3.png", "truncated or damaged")


def test_a_clock_that_jumps_changes_nothing(place, mlff, monkeypatch):
    TRIED.add("clock that jumps")
    now, jumps = time.time, cycle([0.0, 1e9, -1e9])
    monkeypatch.setattr(time, "time", lambda: now() + next(jumps))
    monkeypatch.setattr(time, "time_ns", lambda: int(time.time() * 1e9))
    code, said = mlff(*FOLDER, "paths.runs=new", "paths.features=anew")
    assert code == 0, said
    (matrix,) = place.glob("new/custom/*/matrix.csv")
    assert matrix.read_bytes() == (place / "runs" / run_of(place) / "matrix.csv").read_bytes()


HOLD = """
import sys
from pathlib import Path
from mlff_cli.runs.folder import RunFolder
with RunFolder(Path(sys.argv[1])).lock.held():
    print("held", flush=True)
    sys.stdin.read()
"""


def test_two_runs_of_one_config(place, mlff):
    words = (*FOLDER, "paths.runs=new")
    run = place / "new" / run_of(place)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(run)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert holder.stdout.readline() == b"held\n"
        refused(mlff, "two runs of one config", words, str(holder.pid), "this very config")
    finally:
        holder.kill()
        holder.communicate()
    (note,) = run.glob(".running")  # the killed one could not remove it
    code, said = mlff(*words)
    assert code == 0, said
    assert not note.exists()


@pytest.mark.parametrize("value", [float("nan"), float("inf")], ids=str)
def test_a_loss_that_is_no_number_keeps_the_last_good_state(place, mlff, monkeypatch, value):
    import torch

    from mlff_cli.heads.classifier import Classifier

    loss, count = Classifier.loss, iter(range(1000))

    def diverge(self, outputs, targets):
        good = loss(self, outputs, targets)
        return good if next(count) < 3 else good * torch.tensor(value)

    words = (*FOLDER, "paths.runs=new", "method.epochs=3")
    with monkeypatch.context() as patch:
        patch.setattr(Classifier, "loss", diverge)
        refused(
            mlff, f"loss {value}", words, "experience 2 'nut'", str(value), "epoch 1, step 1",
            "method.learning_rate",
        )  # fmt: skip
    (state,) = place.glob("new/custom/*/state/*")
    assert state.name.startswith("experiences")
    if value == float("inf"):
        return
    code, said = mlff(*words)
    assert code == 0, said
    assert "resumed after experience 1 of 2" in said
    code, _ = mlff(*words, "paths.runs=whole")
    (one,), (other,) = (
        place.glob("new/custom/*/matrix.csv"),
        place.glob("whole/custom/*/matrix.csv"),
    )
    assert one.read_bytes() == other.read_bytes()


def test_a_sweep_goes_on_after_a_run_that_fails(place, mlff, monkeypatch):
    from mlff_cli.runs import loop as runner

    learn = runner._learn

    def fail(method, step, journal):
        if method.context.seed == 1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "somewhere")
        return learn(method, step, journal)

    monkeypatch.setattr(runner, "_learn", fail)
    code, said = mlff("sweep", *FOLDER[1:], "paths.runs=swept", "seed=1,2", "trainer.processes=1")
    TRIED.add("a sweep with a run that fails")
    assert code == 1
    assert "somewhere: no space is left" in said
    assert "Traceback" not in said
    finished = [
        RunFolder(file.parent).finished for file in place.glob("swept/custom/*/config.yaml")
    ]
    assert sorted(finished) == [False, True]


def test_a_bug_is_one_line_and_a_traceback_only_on_demand(place, mlff, monkeypatch):
    def bug(*_):
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("mlff_cli.runs.execution.learn_sequence", lambda *_, **__: bug())
    code, said = mlff(*FOLDER, "seed=1")
    assert code == 1
    assert "internal error, ZeroDivisionError: a bug (execution.py, line" in said
    assert "Traceback" not in said
    code, said = mlff(*FOLDER, "seed=1", "--debug")
    assert code == 1
    assert "Traceback" in said
