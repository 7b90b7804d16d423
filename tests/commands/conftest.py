"""One trained run that the tests of all commands share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from command_calls import TINY, call


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A feature store for these tests alone: what one has computed, the next ones read."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFF_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="session")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the shared run was started; its name is an awkward one."""
    folder = tmp_path_factory.mktemp("work") / "a b=1, (ü)"
    folder.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        result = call("train", *TINY, pictures=True)
    assert result.code == 0, result.err
    return folder


@pytest.fixture
def run_folder(workplace: Path) -> Path:
    """The shared run's folder, which tests leave as they find it."""
    (folder,) = (workplace / "runs" / "surface_defect").iterdir()
    return folder


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to be in."""
    folder = tmp_path / "empty"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder
