"""Ctrl-C and SIGTERM: obeyed at once, or after what is under way has been kept."""

import os
import signal
import threading
import time
from importlib import import_module
from pathlib import Path

import pytest
from tiny_task import TINY, write_images

from mlff_cli.system import interruption
from mlff_cli.system.interruption import Terminated, delayed, interruptible, is_waiting, obey

SIGNALS = {signal.SIGINT: KeyboardInterrupt, signal.SIGTERM: Terminated}


def send(number: int) -> None:
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_is_obeyed_at_once(number):
    with pytest.raises(KeyboardInterrupt) as stop, interruptible():
        send(number)
    assert stop.type is SIGNALS[number]


@pytest.mark.parametrize("number", SIGNALS)
def test_a_delayed_signal_waits_until_it_is_asked_for(number):
    steps = []
    with pytest.raises(SIGNALS[number]), interruptible(), delayed():
        for step in range(3):
            if step == 1:
                send(number)
            steps.append(step)
            if is_waiting():
                steps.append("kept")
                obey()
    assert steps == [0, 1, "kept"]


def test_a_delayed_signal_that_nobody_asks_for_is_obeyed_behind():
    steps = []
    with pytest.raises(KeyboardInterrupt), interruptible():
        with delayed():
            send(signal.SIGINT)
            steps.append("end")
        steps.append("behind")
    assert steps == ["end"]


def test_a_second_signal_does_not_wait():
    with pytest.raises(Terminated), interruptible(), delayed():
        send(signal.SIGINT)
        assert is_waiting()
        send(signal.SIGTERM)
        pytest.fail("still here")


def test_an_error_is_not_hidden_by_a_signal_that_waits():
    with pytest.raises(ZeroDivisionError), interruptible(), delayed():
        send(signal.SIGINT)
        raise ZeroDivisionError
    with delayed():
        assert not is_waiting()


def test_an_import_is_never_cut_in_two(tmp_path, monkeypatch):
    steps = []
    monkeypatch.setattr("builtins.steps", steps, raising=False)
    module = tmp_path / "slow_to_import.py"
    module.write_text(
        "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\nsteps.append('whole')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt), interruptible():
        import_module(module.stem)
        steps.append("imported")
        time.sleep(30)
    assert steps == ["whole", "imported"]
    assert time.monotonic() - started < 20, "the signal did not wake who was waiting"


def test_what_was_set_before_is_set_again():
    before = signal.getsignal(signal.SIGTERM)
    with interruptible():
        assert signal.getsignal(signal.SIGTERM) is not before
    assert signal.getsignal(signal.SIGTERM) is before


def test_an_ignored_signal_stays_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interruptible():
            send(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


def test_another_thread_is_left_alone():
    def work() -> None:
        with interruptible(), delayed():
            done.append(interruption.is_waiting())

    done: list[bool] = []
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [False]


@pytest.mark.parametrize("method", ["mlff", "finetune", "joint"])
def test_a_run_that_is_told_to_stop_goes_on_where_it_stood(tmp_path, monkeypatch, mlff, method):
    from mlff_cli.heads.classifier import Classifier

    monkeypatch.chdir(tmp_path)
    write_images(Path("images"))
    words = ("train", *TINY, f"method={method}", "dataset=folder", "data.root=images")
    words = (*words, "method.epochs=3", "method.batch_size=2", "paths.features=features")
    loss, steps = Classifier.loss, []

    def stopped(self, outputs, targets):
        steps.append(1)
        if len(steps) == 5:
            send(signal.SIGTERM)
        return loss(self, outputs, targets)

    with monkeypatch.context() as patch:
        patch.setattr(Classifier, "loss", stopped)
        code, said = mlff(*words)
    assert code == 143
    assert said.count("mlff: terminated; the same command resumes the run") == 1
    (run,) = Path("runs/custom").iterdir()
    assert len(list((run / "state").iterdir())) == 1
    assert not (run / ".running").exists()
    taken, steps[:] = len(steps), [1] * 5
    monkeypatch.setattr(Classifier, "loss", stopped)
    code, said = mlff(*words)
    assert code == 0, said
    resumed, steps[:] = len(steps) - 5, [1] * 5
    code, _ = mlff(*words, "paths.runs=whole")
    assert code == 0
    assert len(steps) - 5 == taken + resumed  # no step lost, none done twice
    for name in ("matrix.csv", "adapters/adapters.safetensors"):
        (whole,) = Path("whole").glob(f"custom/*/{name}")
        assert (run / name).read_bytes() == whole.read_bytes()
