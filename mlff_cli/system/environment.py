"""What a run was made with, and how much memory it took."""

import platform
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from mlff_cli import __version__

PACKAGES = ("torch", "torchvision", "timm", "numpy", "pillow", "hydra-core", "safetensors",
            "onnxruntime", "openvino")  # fmt: skip


def environment() -> dict[str, Any]:
    """Return versions, platform and the commit of a source checkout, ready for JSON."""
    return {
        "mlff": __version__,
        "commit": commit(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: _version(name) for name in PACKAGES},
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


@cache
def commit() -> str | None:
    """Return the commit of the checkout that the program runs from; None for an installed wheel."""
    root = Path(__file__).parents[2]
    if not (root / ".git").exists():
        return None
    try:
        command = ["git", "-C", str(root), "rev-parse", "HEAD"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def made_by_another(made: Mapping[str, Any]) -> list[str]:
    """Return in words what differs between this program and the `environment` of an earlier run."""
    now = {"mlff": __version__, "commit": commit()}
    return [
        f"made with {key} {made.get(key)}, this is {value}"
        for key, value in now.items()
        if made.get(key) != value
    ]


def program() -> str:
    """Return version and commit of this program in a word."""
    made = commit()
    return f"{__version__} ({made[:12]})" if made else __version__


def reset_peak_memory() -> None:
    """Begin a new measurement of the process's peak memory, where the system allows it."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return


def peak_memory_mib() -> float:
    """Return the largest resident memory of this process, in MiB, since the last reset."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
        line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    except (OSError, StopIteration):
        return _peak_since_start_mib()


def _peak_since_start_mib() -> float:
    if sys.platform == "win32":
        import psutil

        return float(psutil.Process().memory_info().peak_wset) / 2**20
    import resource  # not on Windows

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20
