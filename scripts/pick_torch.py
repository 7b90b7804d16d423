"""Which build of torch an environment takes: none with CUDA where no GPU is and another is offered.

    python scripts/pick_torch.py constraints.txt <pip and the words that lead to it>...

prints what `pip install` is to be given besides, and says on stderr what was picked and why.
MLFF_TORCH=cpu or cuda decides instead; MLFF_TORCH_INDEX=<URL> tells where builds without CUDA are.
Runs before anything is installed, so on Python alone; without a network it gives up in seconds.
"""

import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

INDEX = "https://download.pytorch.org/whl/cpu"
PACKAGES = ("torch", "torchvision")
CHOICES = ("auto", "cpu", "cuda")

PATIENCE = ("--disable-pip-version-check", "--timeout", "5", "--retries", "0")
LONGEST = 40.0
"""Seconds that one question to an index may take in all."""


def main(words: Sequence[str]) -> int:
    """Pick, say it, and print pip's further words; return the exit code."""
    constraints, *pip = words
    choice = os.environ.get("MLFF_TORCH") or "auto"
    if choice not in CHOICES:
        say(f"MLFF_TORCH={choice}: there is cpu and cuda; leave it out to let the machine decide")
        return 2
    pinned = pins(Path(constraints).read_text(encoding="utf-8"))
    if "torch" not in pinned or sys.platform == "darwin":
        return 0  # Apple's builds are all of one kind
    if choice == "cuda" or (choice == "auto" and gpu_is_here()):
        why = "MLFF_TORCH=cuda" if choice == "cuda" else "there is a GPU"
        say(f"torch {pinned['torch']} with CUDA (MLFF_TORCH=cpu: without): {why}")
        print(f"torch!={pinned['torch']}+cpu")
        return 0
    return without_cuda(pinned, pip, asked=choice == "cpu")


def without_cuda(pinned: Mapping[str, str], pip: Sequence[str], *, asked: bool) -> int:
    """Pick the builds without CUDA where they are offered; fail if they were asked for and none is.

    First where pip looks anyway; torch's own index only where that has none.
    """
    index = os.environ.get("MLFF_TORCH_INDEX") or INDEX
    why = "MLFF_TORCH=cpu" if asked else "no GPU"
    version = pinned["torch"]
    for place, options in (("pip's own index", []), (index, ["--index-url", index])):
        found = [
            package
            for package, pin in pinned.items()
            if f"{pin}+cpu" in offered(pip, package, options)
        ]
        if "torch" in found:
            say(f"torch {version} without CUDA (MLFF_TORCH=cuda: with): {why}; from {place}")
            further = ["--extra-index-url", index] if options else []
            print(*further, *(f"{package}=={pinned[package]}+cpu" for package in found))
            return 0
    if asked:
        say(f"MLFF_TORCH=cpu: no torch {version}+cpu in pip's own index nor at {index}")
        return 1
    say(f"torch {version} as pip finds it, maybe with CUDA: no build without is offered here")
    return 0


def pins(text: str) -> dict[str, str]:
    """Return the versions of torch's packages that constraints.txt pins."""
    found = re.findall(r"^(\w+)==([\w.]+)", text, flags=re.MULTILINE)
    return {name: version for name, version in found if name in PACKAGES}


def offered(pip: Sequence[str], package: str, options: Sequence[str]) -> set[str]:
    """Ask pip which versions of a package this Python could have; none where nobody answers."""
    command = [*pip, "index", "versions", package, *PATIENCE, *options]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, stdin=subprocess.DEVNULL,
            timeout=LONGEST, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return set()
    line = re.search(r"^Available versions: (.*)$", done.stdout, flags=re.MULTILINE)
    return set(line[1].split(", ")) if line else set()


def gpu_is_here() -> bool:
    """Whether the machine has a GPU of NVIDIA's with its driver."""
    if any(Path(device).exists() for device in ("/dev/nvidiactl", "/dev/nvidia0")):
        return True
    try:
        done = subprocess.run(
            ["nvidia-smi", "-L"], capture_output=True, text=True, timeout=LONGEST, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0 and "GPU" in done.stdout


def say(text: str) -> None:
    """Say a line as scripts/environment does."""
    print(f"mlff: {text}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
