"""A place with images and a finished run, to be spoilt."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from refusals import FOLDER, run_of
from tiny_task import command, fingerprints, write_manifest


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with images, a manifest over them, a finished run and its features."""
    folder = tmp_path_factory.mktemp("finished")
    write_manifest(folder / "images")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        code, said = command(*FOLDER)
    assert code == 0, said
    return folder


@pytest.fixture
def place(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of that folder as the current one; what was finished there must stay as it is."""
    folder = tmp_path / "place"
    shutil.copytree(finished, folder, symlinks=True)
    monkeypatch.chdir(folder)
    yield folder
    if (folder / "harm me").exists():
        return
    assert fingerprints(folder / "runs" / run_of(finished)) == fingerprints(
        finished / "runs" / run_of(finished)
    )
