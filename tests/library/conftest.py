"""One trained run of two products that the tests of the library share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from small_products import EPOCHS, QUICK, products

import mlff_cli
from mlff_cli import Run


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A feature store for these tests alone."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFF_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of two products; its name and one of theirs are awkward ones."""
    return products(tmp_path_factory.mktemp("images") / "a b=1, (ü)", "007", "valve")


@pytest.fixture(scope="session")
def run(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run on them, which tests leave as they find it."""
    runs = tmp_path_factory.mktemp("runs")
    return mlff_cli.train(*QUICK, *EPOCHS, task="custom", data={"root": root}, paths={"runs": runs})


@pytest.fixture
def images(root: Path) -> list[Path]:
    """Two images of a product."""
    return [root / "valve" / "good" / "0.png", root / "valve" / "scratch" / "3.png"]


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to be in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
