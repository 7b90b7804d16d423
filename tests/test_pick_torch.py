"""scripts/pick_torch.py, asked with the real pip and folders in place of indexes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from empty_wheels import empty_wheel

SCRIPT = Path(__file__).resolve().parents[1] / "scripts" / "pick_torch.py"
PINS = "numpy==1.0\ntorch==9.9\ntorchvision==0.9\n"
NOBODY = "http://127.0.0.1:9/simple"


def index(folder: Path, **versions: str) -> str:
    """Make an index of one wheel for each package, and return its address."""
    for name, version in versions.items():
        built = empty_wheel(folder / name, name, version)
        (folder / name / "index.html").write_text(f'<a href="{built.name}">{built.name}</a>')
    return folder.as_uri()


class Asked:
    """The script on a machine whose GPU, indexes and wishes a test decides."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tools = folder / "tools"
        self.tools.mkdir()
        (folder / "constraints.txt").write_text(PINS)

    def gpu(self, said: str) -> None:
        tool = self.tools / "nvidia-smi"
        tool.write_text(f"#!/bin/sh\necho '{said}'\n")
        tool.chmod(0o755)

    def __call__(self, **variables: str) -> tuple[int, str, str]:
        done = subprocess.run(
            [sys.executable, SCRIPT, "constraints.txt", sys.executable, "-m", "pip"],
            cwd=self.folder,
            env={
                "PATH": f"{self.tools}",
                "HOME": str(self.folder),
                "PIP_CONFIG_FILE": os.devnull,
                "PIP_INDEX_URL": NOBODY,
                "MLFF_TORCH_INDEX": NOBODY,
                **variables,
            },
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return done.returncode, done.stdout.strip(), done.stderr.strip()


@pytest.fixture
def asked(tmp_path: Path) -> Asked:
    return Asked(tmp_path)


pytestmark = pytest.mark.skipif(
    any(Path(device).exists() for device in ("/dev/nvidiactl", "/dev/nvidia0")),
    reason="this machine has a GPU",
)


def test_without_a_gpu_what_pip_finds_anyway_is_taken(asked: Asked, tmp_path: Path) -> None:
    empty_wheel(tmp_path / "wheels", "torch", "9.9")
    empty_wheel(tmp_path / "wheels", "torch", "9.9+cpu")
    code, out, said = asked(PIP_FIND_LINKS=str(tmp_path / "wheels"))
    assert (code, out) == (0, "torch==9.9+cpu")
    assert (
        said == "mlff: torch 9.9 without CUDA (MLFF_TORCH=cuda: with): no GPU; from pip's own index"
    )


def test_without_a_gpu_torchs_own_index_is_asked_next(asked: Asked, tmp_path: Path) -> None:
    own = index(tmp_path / "own", torch="9.9", torchvision="0.9")
    cpu = index(tmp_path / "cpu", torch="9.9+cpu", torchvision="0.9+cpu")
    code, out, said = asked(PIP_INDEX_URL=own, MLFF_TORCH_INDEX=cpu)
    assert (code, out) == (0, f"--extra-index-url {cpu} torch==9.9+cpu torchvision==0.9+cpu")
    assert f"no GPU; from {cpu}" in said


def test_another_version_without_cuda_is_no_offer(asked: Asked, tmp_path: Path) -> None:
    cpu = index(tmp_path / "cpu", torch="9.8+cpu")
    code, out, said = asked(MLFF_TORCH_INDEX=cpu)
    assert (code, out) == (0, "")
    assert "as pip finds it, maybe with CUDA" in said


def test_where_nobody_answers_all_stays_as_pip_finds_it(asked: Asked) -> None:
    code, out, said = asked()
    assert (code, out) == (0, "")
    assert said.count("\n") == 0 and "no build without is offered here" in said


def test_a_build_that_was_asked_for_and_is_not_offered_is_an_error(asked: Asked) -> None:
    code, out, said = asked(MLFF_TORCH="cpu")
    assert (code, out) == (1, "")
    assert "no torch 9.9+cpu in pip's own index nor at http://127.0.0.1:9" in said


@pytest.mark.parametrize("variables", [{}, {"MLFF_TORCH": "cuda"}])
def test_with_a_gpu_or_when_asked_for_cuda_stays(asked: Asked, variables: dict[str, str]) -> None:
    if not variables:
        asked.gpu("GPU 0: a card")
    code, out, said = asked(**variables)
    assert (code, out) == (0, "torch!=9.9+cpu")
    assert said.startswith("mlff: torch 9.9 with CUDA (")


def test_a_driver_that_lists_no_card_is_no_gpu(asked: Asked, tmp_path: Path) -> None:
    asked.gpu("No devices found.")
    empty_wheel(tmp_path / "wheels", "torch", "9.9+cpu")
    assert asked(PIP_FIND_LINKS=str(tmp_path / "wheels"))[1] == "torch==9.9+cpu"


def test_the_wish_goes_before_the_gpu(asked: Asked, tmp_path: Path) -> None:
    asked.gpu("GPU 0: a card")
    empty_wheel(tmp_path / "wheels", "torch", "9.9+cpu")
    found = asked(PIP_FIND_LINKS=str(tmp_path / "wheels"), MLFF_TORCH="cpu")
    assert found[:2] == (0, "torch==9.9+cpu")
    assert "MLFF_TORCH=cpu" in found[2]


def test_an_unknown_wish_is_refused(asked: Asked) -> None:
    code, out, said = asked(MLFF_TORCH="rocm")
    assert (code, out) == (2, "")
    assert "MLFF_TORCH=rocm" in said and "cpu and cuda" in said


def test_without_a_pin_nothing_is_asked(asked: Asked, tmp_path: Path) -> None:
    (tmp_path / "constraints.txt").write_text("numpy==1.0\n")
    assert asked(MLFF_TORCH="cpu") == (0, "", "")
