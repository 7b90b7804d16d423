"""What is shipped, and what the environment is made of."""

import ast
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CORE = [Requirement(line) for line in PROJECT["dependencies"]]
EXTRAS = {
    extra: [Requirement(line) for line in lines]
    for extra, lines in PROJECT["optional-dependencies"].items()
}
EVERYTHING = CORE + [requirement for extra in EXTRAS.values() for requirement in extra]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built by the backend alone: pip would fetch it from the network."""
    folder = tmp_path_factory.mktemp("wheel")
    build = f"from hatchling.build import build_wheel; build_wheel({str(folder)!r})"
    subprocess.run([sys.executable, "-c", build], cwd=ROOT, check=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds nothing but the unpacked wheel."""
    folder = tmp_path_factory.mktemp("installed")
    zipfile.ZipFile(wheel).extractall(folder)
    return folder


def python(installed: Path, cwd: Path, *arguments: str) -> str:
    """Run Python with the unpacked wheel before the repository, return what it printed."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_wheel_carries_configs_types_and_licence_and_nothing_else(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    configs = {path.relative_to(ROOT).as_posix() for path in ROOT.glob("configs/**/*.yaml")}
    assert configs
    assert {f"mlff_cli/{name}" for name in configs} <= names
    modules = {path.relative_to(ROOT).as_posix() for path in ROOT.glob("mlff_cli/**/*.py")}
    assert modules <= names
    assert "mlff_cli/py.typed" in names
    assert any(re.fullmatch(r"mlff-[^/]+\.dist-info/licenses/LICENSE", name) for name in names)
    assert {name.split("/")[0].partition("-")[0] for name in names} == {"mlff_cli", "mlff"}


def test_installed_wheel_finds_its_own_configs(installed: Path, tmp_path: Path) -> None:
    show = "from mlff_cli.config.composition import configs_folder; print(configs_folder())"
    folder = Path(python(installed, tmp_path, "-c", show).strip())
    assert folder == installed / "mlff_cli" / "configs"
    assert (folder / "train.yaml").is_file()


def test_installed_wheel_composes_from_an_empty_folder(installed: Path, tmp_path: Path) -> None:
    assert "train" in python(installed, tmp_path, "-m", "mlff_cli", "--help")
    config = python(installed, tmp_path, "-m", "mlff_cli", "train", "--cfg", "job")
    assert "backbone:" in config
    assert list(tmp_path.iterdir()) == [], "looking at a config writes nothing"


def imported_packages(source: str) -> Iterator[str]:
    """Yield the top-level names that a module imports, also by ``import_module("...")``."""
    for node in ast.walk(ast.parse(source)):
        names: list[str] = []
        match node:
            case ast.Import():
                names = [alias.name for alias in node.names]
            case ast.ImportFrom(module=str(module), level=0):
                names = [module]
            case ast.Call(
                func=ast.Name(id=function) | ast.Attribute(attr=function),
                args=[ast.Constant(value=str(name)), *_],
            ) if function in ("import_module", "find_spec"):
                names = [name]
        yield from (name.split(".")[0] for name in names)


def python_files(folder: Path) -> list[Path]:
    """Return the Python sources of a folder, scripts without an ending among them."""
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.suffix == ".py"
        or (path.is_file() and not path.suffix and b"python" in path.read_bytes()[:40])
    ]


@cache
def distributions() -> dict[str, set[str]]:
    """Return the distributions that bring each package, by canonical name: here, or anywhere."""
    return {
        "avalanche": {"avalanche-lib"},  # of the extra peers, which dev leaves out
        **{
            package: {canonicalize_name(name) for name in names}
            for package, names in packages_distributions().items()
        },
    }


def third_party(folder: str) -> dict[str, str]:
    """Return package -> one file that imports it, for what is neither ours nor Python's."""
    found: dict[str, str] = {}
    for path in python_files(ROOT / folder):
        for package in imported_packages(path.read_text(encoding="utf-8")):
            found.setdefault(package, path.relative_to(ROOT).as_posix())
    rooms = ("scripts", "tests") if folder == "tests" else (folder,)
    files = (path for room in rooms for path in (ROOT / room).rglob("*.py"))
    helpers = {path.stem for path in files} - distributions().keys()
    return {
        package: path
        for package, path in found.items()
        if package not in sys.stdlib_module_names and package not in {"mlff_cli", *helpers}
    }


@pytest.mark.parametrize("folder", ["mlff_cli", "scripts", "tests"])
def test_imported_packages_are_declared(folder: str) -> None:
    allowed = (
        EVERYTHING
        if folder != "mlff_cli"
        else CORE + EXTRAS["elpv"] + EXTRAS["export"] + EXTRAS["library"]
    )
    declared = {canonicalize_name(requirement.name) for requirement in allowed}
    undeclared = {
        package: path
        for package, path in third_party(folder).items()
        if not distributions().get(package, set()) & declared
    }
    assert undeclared == {}


def test_declared_core_packages_are_imported() -> None:
    used = set().union(*(distributions().get(name, set()) for name in third_party("mlff_cli")))
    assert {canonicalize_name(requirement.name) for requirement in CORE} - used == set()


def pins(file: str = "constraints.txt") -> dict[str, str]:
    """Return distribution -> version of a file whose lines must all be exact pins."""
    lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
    found = {}
    for line in lines:
        if line and not line.startswith("#"):
            name, version = line.split("==")
            found[canonicalize_name(name)] = version
    return found


@pytest.mark.parametrize("requirement", EVERYTHING, ids=str)
def test_tested_version_is_pinned_and_allowed(requirement: Requirement) -> None:
    version = pins()[canonicalize_name(requirement.name)]
    assert "+" not in version, "a local label fits one build only"
    assert requirement.specifier.contains(version)


@pytest.mark.parametrize(
    "requirement", CORE + EXTRAS["elpv"] + EXTRAS["openvino"] + EXTRAS["slurm"], ids=str
)
def test_the_oldest_that_is_allowed_is_pinned_to_be_tried(requirement: Requirement) -> None:
    version = Version(pins("constraints-lowest.txt")[canonicalize_name(requirement.name)])
    floors = {Version(part.version) for part in requirement.specifier if part.operator == ">="}
    assert floors == {version}


def test_every_torch_from_2_11_to_2_15_is_allowed() -> None:
    (torch,) = (requirement for requirement in CORE if requirement.name == "torch")
    assert all(torch.specifier.contains(f"2.{minor}.0") for minor in range(11, 16))


def test_import_scanner_sees_every_kind_of_import() -> None:
    source = """
import a.b, c
from d.e import f
from . import own
def late():
    import g
    importlib.import_module("h.i"); find_spec("j"); import_module(name)
"""
    assert sorted(imported_packages(source)) == ["a", "c", "d", "g", "h", "j"]
