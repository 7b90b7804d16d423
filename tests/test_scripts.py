"""scripts/mlff and scripts/test, on a small project whose own backend needs no network."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from empty_wheels import empty_wheel

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"
PYPROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""
BACKEND = """
import zipfile
FILES = {
    "hello.py": "import os, sys\\ndef main(): print(os.getcwd(), *sys.argv[1:], sep='|')\\n",
    "demo-1.dist-info/METADATA":
        "Metadata-Version: 2.1\\nName: demo\\nVersion: 1\\n"
        "Provides-Extra: dev\\nProvides-Extra: elpv\\n",
    "demo-1.dist-info/WHEEL":
        "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    "demo-1.dist-info/entry_points.txt": "[console_scripts]\\nmlff = hello:main\\n",
    "demo-1.dist-info/RECORD": "",
}
def get_requires_for_build_editable(config_settings=None):
    return []
def build_editable(directory, config_settings=None, metadata_directory=None):
    with zipfile.ZipFile(directory + "/demo-1-py3-none-any.whl", "w") as wheel:
        for name, text in FILES.items():
            wheel.writestr(name, text)
    return "demo-1-py3-none-any.whl"
"""
TOOL = """
import os, sys
print("tool", *sys.argv[1:])
sys.exit(int(os.environ.get("FAIL_{name}", 0)))
"""


class Project:
    """A folder with the scripts and a package of its own."""

    def __init__(self, root: Path, user: Path) -> None:
        self.root, self.user = root, user
        shutil.copytree(SCRIPTS, root / "scripts")
        (root / "pyproject.toml").write_text(PYPROJECT)
        (root / "backend.py").write_text(BACKEND)
        (root / "constraints.txt").write_text("")
        for name in ("ruff", "mypy", "pytest"):
            (root / f"{name}.py").write_text(TOOL.format(name=name))

    def start(self, script: str | Path, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.user),
            "MLFF_PYTHON": os.path.realpath(sys.executable),
            **variables,
        }
        return subprocess.Popen(
            [self.root / "scripts" / script, *arguments],
            cwd=self.user,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, script: str | Path, *arguments: str, **variables: str) -> tuple[int, str, str]:
        process = self.start(script, *arguments, **variables)
        out, err = process.communicate(timeout=120)
        return process.returncode, out, err


@pytest.fixture
def bare(tmp_path: Path) -> Project:
    """A project without an environment."""
    (tmp_path / "user").mkdir()
    return Project(tmp_path / "project", tmp_path / "user")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with its environment; a test that damages it leaves it repaired."""
    folder = tmp_path_factory.mktemp("scripts")
    (folder / "user").mkdir()
    project = Project(folder / "my project", folder / "user")
    own = project.root / ".venv" / "own"
    own.mkdir(parents=True)
    link = project.user / "link"
    link.symlink_to(project.root / "scripts" / "mlff")

    pair = [project.start(link, "first"), project.start("mlff", "a b", "*")]
    results = [process.communicate(timeout=120) for process in pair]
    assert [process.returncode for process in pair] == [0, 0], results
    assert [out for out, _ in results] == [f"{project.user}|first\n", f"{project.user}|a b|*\n"]
    messages = results[0][1] + results[1][1]
    assert messages.count("takes minutes") == messages.count("is ready") == 1
    assert len(list(project.root.glob(".venv-*/own"))) == 1, "a foreign environment is kept"
    return project


def test_environment_is_made_once_and_then_silent(made: Project) -> None:
    stamp = made.root / ".venv" / "complete"
    before = stamp.stat().st_mtime_ns
    assert made.run("mlff", "x", MLFF_PYTHON="/none") == (0, f"{made.user}|x\n", "")
    assert stamp.stat().st_mtime_ns == before


def test_changed_requirements_update_the_environment_in_place(made: Project) -> None:
    kept = made.root / ".venv" / "kept"
    kept.touch()
    with (made.root / "constraints.txt").open("a") as file:
        file.write("# another version\n")
    code, out, err = made.run("mlff", "x")
    assert (code, out) == (0, f"{made.user}|x\n")
    assert "up to date" in err
    assert kept.exists()
    assert made.run("mlff")[2] == ""


def test_failed_install_shows_its_log_and_the_next_call_repairs(made: Project) -> None:
    constraints = made.root / "constraints.txt"
    good = constraints.read_text()
    constraints.write_text("no requirement at all\n")
    code, out, err = made.run("mlff")
    assert (code, out) == (1, "")
    assert "no requirement at all" in err
    assert str(made.root / ".venv" / "install.log") in err
    constraints.write_text(good)
    code, out, err = made.run("mlff")
    assert code == 0
    assert "half-made" in err
    assert "making" in err


@pytest.mark.parametrize("damage", ["moved folder", "deleted interpreter"])
def test_unusable_environment_is_made_anew(made: Project, damage: str) -> None:
    if damage == "moved folder":
        made.root = made.root.rename(made.root.with_name("moved"))
    else:
        (made.root / ".venv" / "bin" / "python").unlink()
    code, out, err = made.run("mlff", "x")
    assert (code, out) == (0, f"{made.user}|x\n")
    assert "making" in err
    assert made.run("mlff")[2] == ""


def test_the_build_of_torch_is_picked_said_and_taken(bare: Project) -> None:
    (bare.root / "constraints.txt").write_text("torch==1.1\n")
    for version in ("1.1", "1.1+cpu"):
        empty_wheel(bare.user / "wheels", "torch", version)
    offers = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(bare.user / "wheels")}
    code, _, err = bare.run("mlff", MLFF_TORCH="cpu", **offers)
    assert code == 0, err
    assert (
        "mlff: torch 1.1 without CUDA (MLFF_TORCH=cuda: with): MLFF_TORCH=cpu; from pip's own index"
        in err
    )
    taken = list((bare.root / ".venv").glob("lib/python*/site-packages/torch-*.dist-info"))
    assert [folder.name for folder in taken] == ["torch-1.1+cpu.dist-info"]


def test_a_wish_for_torch_that_cannot_be_met_ends_it_and_the_next_call_repairs(
    bare: Project,
) -> None:
    (bare.root / "constraints.txt").write_text("torch==1.1\n")
    nothing = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": ""}
    code, _, err = bare.run("mlff", MLFF_TORCH="cpu", **nothing)
    assert code == 1
    assert "no torch 1.1+cpu" in err
    (bare.root / "constraints.txt").write_text("")
    code, _, err = bare.run("mlff", **nothing)
    assert code == 0
    assert "half-made" in err


def test_openmp_setting_is_a_default(made: Project) -> None:
    code = "import os; print(os.environ['OMP_WAIT_POLICY'])"
    (made.root / "pytest.py").write_text(code)
    assert made.run("test", "x")[1].endswith("\nPASSIVE\n")
    assert made.run("test", "x", OMP_WAIT_POLICY="ACTIVE")[1].endswith("\nACTIVE\n")
    (made.root / "pytest.py").write_text(TOOL.format(name="pytest"))


def test_all_checks_are_announced_in_order(made: Project) -> None:
    code, out, _ = made.run("test")
    assert code == 0
    announced = [line[3:] for line in out.splitlines() if line.startswith("== ")]
    assert announced == [
        "ruff format --check .", "ruff check .", "mypy",
        "pytest -n logical --maxprocesses 8 --dist loadfile",
    ]  # fmt: skip
    assert out.count("tool") == 4


def test_the_fast_checks_leave_out_types_and_slow_tests(made: Project) -> None:
    code, out, _ = made.run("test", "fast")
    assert code == 0
    announced = [line[3:] for line in out.splitlines() if line.startswith("== ")]
    assert announced == [
        "ruff format --check .", "ruff check .",
        "pytest -m not slow -n logical --maxprocesses 8 --dist loadfile",
    ]  # fmt: skip


def test_arguments_go_to_pytest_alone(made: Project) -> None:
    _, out, _ = made.run("test", "tests/data", "-k", "a or b")
    assert out == "\n== pytest tests/data -k a or b\ntool tests/data -k a or b\n"


@pytest.mark.parametrize("tool, checks", [("ruff", 1), ("mypy", 3), ("pytest", 4)])
def test_first_failing_check_ends_with_its_code(made: Project, tool: str, checks: int) -> None:
    code, out, _ = made.run("test", **{f"FAIL_{tool}": "7"})
    assert (code, out.count("tool")) == (7, checks)


def stand_in(folder: Path, name: str, body: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A folder for the path with everything the scripts call but a Python."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("cat", "cmp", "date", "head", "ls", "mkdir", "mv", "readlink", "rm", "tail"):
        (folder / name).symlink_to(shutil.which(name) or name)
    return folder


def test_missing_python_is_said(bare: Project, tools: Path) -> None:
    stand_in(tools, "python3", "exit 1")
    code, out, err = bare.run("mlff", PATH=str(tools), MLFF_PYTHON="")
    assert (code, out) == (1, "")
    assert "Python 3.11 or newer" in err
    assert not (bare.root / ".venv").exists()


def test_old_and_dead_interpreters_are_passed_over(bare: Project, tools: Path) -> None:
    stand_in(tools, "python3", "exit 1")
    stand_in(tools, "python3.13", "exit 127")
    real = os.path.realpath(sys.executable)
    stand_in(tools, "python3.12", f'[ "$1" != -m ] || exit 3\nexec "{real}" "$@"')
    code, _, err = bare.run("mlff", PATH=str(tools), MLFF_PYTHON="")
    assert "making" in err, "python3.12 was taken"
    assert (code, "could not be made" in err) == (1, True), "and its failing venv was noticed"
