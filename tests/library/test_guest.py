"""In somebody else's process: nothing of it changes, nothing is printed, nothing ends it."""

import logging
import os
import random
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import hydra
import numpy as np
import psutil
import pytest
import torch
from command_calls import refusal
from hydra.core.global_hydra import GlobalHydra

import mlff_cli
from mlff_cli import Features, UserError, check_data, load_network, train
from mlff_cli.library.guest import as_guest

SMALL = {
    "task": "surface_defect",
    "data": {"image_size": 32, "images_per_class": 5},
    "method": {"epochs": 1},
    "trainer": {"workers": 0},
}


def state():
    """Return what a process has that a library might change."""
    logger = logging.getLogger("mlff_cli")
    return {
        "torch": torch.get_rng_state().tolist(),
        "numpy": str(np.random.get_state()),
        "random": random.getstate(),
        "folder": Path.cwd(),
        "arguments": list(sys.argv),
        "handlers": [list(logging.root.handlers), list(logger.handlers)],
        "logging": (logger.level, logger.propagate, logger.disabled, logging.raiseExceptions),
        "signals": [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)],
        "threads": torch.get_num_threads(),
        "precision": (torch.get_default_dtype(), torch.is_grad_enabled()),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "children": len(psutil.Process().children()),
        "hydra": GlobalHydra.instance().is_initialized(),
        "streams": (sys.stdout, sys.stderr),
    }


def everything(run, images):
    """Do all that the library can do."""
    train(seed=1, **SMALL)
    check_data(**SMALL)
    run.predict(images, product="valve")
    run.overlay(images[0], product="valve")
    Features(data={"image_size": 32}).read(images)
    load_network(run, "valve")
    _ = run.results, run.matrix, run.adapters, run.products, Features.of_run(run)


def test_the_process_stays_as_it_was_and_nothing_is_said(run, images, empty, capfd, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    before = state()
    everything(run, images)
    assert state() == before
    said = capfd.readouterr()
    assert (said.out, said.err) == ("", "")
    assert {path.name for path in empty.iterdir()} == {"runs"}


def test_what_the_command_says_is_said_where_it_is_asked_for(empty, capsys):
    run = train(seed=2, show=True, **SMALL)
    said = capsys.readouterr().out.splitlines()
    written = (run.folder / "log.txt").read_text("utf-8").splitlines()
    assert any("learned in" in line for line in said)
    assert [line.split(" ", 2)[2] for line in written] == said[-len(written) :]


def test_a_run_is_logged_in_its_folder_though_nothing_is_said(empty, capsys):
    run = train(seed=3, **SMALL)
    assert "learned in" in (run.folder / "log.txt").read_text("utf-8")
    assert capsys.readouterr().out == ""


def test_a_program_of_hydra_may_call_it(empty):
    with hydra.initialize(config_path=None, version_base="1.2"):
        from hydra import version

        theirs, before = GlobalHydra.instance().hydra, version.getbase()
        train(seed=4, **SMALL)
        with pytest.raises(UserError):
            train("task=surfac")
        assert GlobalHydra.instance().hydra is theirs
        assert version.getbase() == before
    assert not GlobalHydra.instance().is_initialized()


def files(run):
    return {
        name: (run.folder / name).read_bytes()
        for name in ("matrix.csv", "predictions.csv", "adapters/adapters.safetensors")
    }


def test_a_thread_trains_what_the_main_thread_does_and_threads_do_not_mix(tmp_path):
    def trained(place, seed):
        return train(seed=seed, paths={"runs": tmp_path / place}, **SMALL)

    alone = {seed: files(trained("alone", seed)) for seed in (0, 1)}
    with ThreadPoolExecutor(2) as pool:
        runs = list(pool.map(lambda seed: trained("threads", seed), (0, 1)))
    assert [files(run) for run in runs] == [alone[0], alone[1]]
    assert alone[0] != alone[1]
    for run in runs:  # no line of the other one
        log = (run.folder / "log.txt").read_text("utf-8")
        assert log.count("1/3 ") == 1 and log.count("3/3 ") == 1


def test_signals_stay_the_hosts_while_it_works(empty, monkeypatch):
    from mlff_cli.runs import loop

    seen = []
    learn = loop._learn
    monkeypatch.setattr(
        loop, "_learn", lambda *given: (seen.append(signal.getsignal(signal.SIGINT)), learn(*given))
    )
    train(seed=5, **SMALL)
    assert seen and set(seen) == {signal.getsignal(signal.SIGINT)}


@pytest.mark.parametrize(
    "words", [("task=surfac",), ("seed=x",), ("method.epoch=3",), ("task=custom",), ("nonsense",)]
)
def test_errors_have_the_words_of_the_command_line(words, empty):
    with pytest.raises(UserError) as error:
        train(*words)
    assert str(error.value) == refusal("train", *words)


def test_an_error_of_the_disk_has_the_words_of_the_command_line(empty):
    Path("file").touch()
    words = ["data.image_size=32", "data.images_per_class=5", "paths.runs=file"]
    with pytest.raises(UserError) as error:
        train(*words)
    assert str(error.value) == refusal("train", *words)
    assert isinstance(error.value.__cause__, OSError)


def test_a_fault_of_the_program_stays_what_it_is():
    with pytest.raises(ZeroDivisionError), as_guest():
        _ = 1 / 0


def test_an_interrupted_call_leaves_the_process_as_it_was(empty, monkeypatch):
    from mlff_cli.runs import loop

    def interrupted(*given):
        torch.manual_seed(0)
        raise KeyboardInterrupt

    learn = loop._learn
    monkeypatch.setattr(loop, "_learn", interrupted)
    before = state()
    with pytest.raises(KeyboardInterrupt):
        train(seed=6, **SMALL)
    assert state() == before
    monkeypatch.setattr(loop, "_learn", learn)
    assert train(seed=6, **SMALL).results["seed"].item() == 6


def test_no_second_process_runs_the_callers_program_again(empty):
    """A script without a guard (`if __name__ == "__main__"`), as people write them."""
    import subprocess

    Path("script.py").write_text(
        "print('begins')\n"
        "import mlff_cli\n"
        f"run = mlff_cli.train(**{SMALL!r})\n"
        "print(sorted(run.pictures))\n"
    )
    done = subprocess.run(
        [sys.executable, "script.py"], capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": str(Path(mlff_cli.__file__).parents[1])},
    )  # fmt: skip
    said = done.stdout.splitlines()
    assert said[0] == "begins" and len(said) == 2
    assert "matrix_mAP" in said[1] and "images" in said[1]


def test_calls_of_several_threads_wait_for_each_other(run, images):
    inside, most = [0], [0]
    lock = threading.Lock()

    def work(_):
        with as_guest():
            with lock:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
            torch.rand(10_000).sort()
            with lock:
                inside[0] -= 1

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(20)))
        answers = list(pool.map(lambda i: run.predict(images, product="valve"), range(4)))
    assert most == [1]
    scores = answers[0].filter(like="score ")
    assert all(scores.equals(other.filter(like="score ")) for other in answers)
