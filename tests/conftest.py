"""Settings that must stand before the first test module is imported."""

import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import slow_tests
from hypothesis import settings

# torch's OpenMP threads spin while they wait and starve every other process of a small machine;
# the setting counts only if it stands before torch is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# A test that reaches for a network fails at once and says so, instead of retrying for a minute.
os.environ.setdefault("HF_HUB_OFFLINE", "1")

# No deadline, since a shared machine may stall; the same examples each time.
settings.register_profile("mlff", deadline=None, derandomize=True)
settings.load_profile("mlff")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what `scripts/test fast` leaves out, before it is left out."""
    slow_tests.mark(items)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not even import what a fast run leaves out."""
    fast = config.option.markexpr == slow_tests.FAST
    return True if fast and slow_tests.is_slow(collection_path) else None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name what has become slow, after a fast run."""
    if terminalreporter.config.option.markexpr == slow_tests.FAST:
        reports = [r for found in terminalreporter.stats.values() for r in found]
        for line in slow_tests.too_slow([r for r in reports if isinstance(r, pytest.TestReport)]):
            terminalreporter.write_line(line)


@pytest.fixture(scope="session", autouse=True)
def auto_is_torch() -> Iterator[pytest.MonkeyPatch]:
    """Lets `backbone.engine=auto` be torch: writing a graph takes seconds.

    The few tests that ask for one undo it.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mlff_cli.runs.engine.can_export_and_run", lambda: False)
        yield patch


@pytest.fixture(autouse=True)
def handlers_of_others_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keeps Hydra, which closes all log handlers of a process, from those of other tests.

    That of absl, which TensorBoard brings, would close what pytest captures output with.
    """
    monkeypatch.setattr(logging, "_handlerList", [])


@pytest.fixture(scope="session")
def weights_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Gives a weight file of timm's model, random, made once."""
    folder = tmp_path_factory.mktemp("weights")

    def file(model: str) -> Path:
        from configs_for_tests import random_state
        from safetensors.torch import save_file

        path = folder / f"{model}.safetensors"
        if not path.is_file():
            save_file(random_state(model), path)
        return path

    return file


@pytest.fixture
def mlff() -> Callable[..., tuple[int, str]]:
    """The command line in this process: words in, exit code and all that was said out."""
    from tiny_task import command

    return command


@pytest.fixture(scope="session")
def example_package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder into which the package in examples/ is installed, made once."""
    from outside_packages import install_example

    return install_example(tmp_path_factory.mktemp("example"))


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Lets every connection fail, and returns the list of those that were tried."""
    import socket

    tried: list[object] = []

    def refuse(*arguments: object, **_: object) -> None:
        tried.append(arguments)
        raise OSError("no network in this test")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    return tried
