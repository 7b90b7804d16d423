"""Check on one GPU, in eight minutes at most, what the tests cannot: that it is right and quick.

scores      the main job in fp32 and in mixed precision on the GPU, against the same on the CPU
resume      the fp32 run, killed with signal 9 on its way and given again
extraction  images/s of two backbones over batch sizes, from images in pinned memory, beside a
            bare forward pass on images that are there already
compiled    the same bare pass through torch.compile, and what compiling takes
files       images/s from files into a store, and what of that time decoding takes
finetune    seconds of training an experience, fine-tuning beside mlff

Each part is a process of its own: one that fails or takes too long leaves the others' numbers.
They go to results.csv and results.md. Without a GPU nothing is done. Where no environment can be
made, any Python that has mlff's dependencies runs it: python3 scripts/gpu_check.py
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from gpu_check_findings import Finding, write
from gpu_check_passes import compiled, extraction, files
from gpu_check_runs import finetune, resume, scores
from gpu_check_sizes import Sizes

ROOT = Path(__file__).resolve().parents[1]

TOTAL_SECONDS = 470.0
"""Of all parts together; what is left of eight minutes is for starting and writing."""

PARTS: dict[str, tuple[float, Callable[[Path, Sizes], list[Finding]]]] = {
    "scores": (150.0, scores),
    "extraction": (120.0, extraction),
    "resume": (90.0, resume),
    "finetune": (90.0, finetune),
    "files": (60.0, files),
    "compiled": (120.0, compiled),
}
"""Seconds that a part may take, and what it does; the first ones matter most."""


def main(words: Sequence[str] | None = None) -> int:
    """Carry out the parts and write what they found; return 0 unless one of them is wrong."""
    chosen = _arguments(words)
    sizes = Sizes.tiny() if chosen.tiny else Sizes()
    if chosen.part:
        return _one(chosen.part, Path(chosen.folder), sizes)
    if not chosen.tiny and not _has_gpu():
        print("gpu_check: torch finds no GPU here; nothing was done")
        return 0
    started = time.monotonic()
    findings: list[Finding] = []
    with tempfile.TemporaryDirectory(prefix="mlff-gpu-check-") as temporary:
        for name in chosen.only.split(","):
            left = TOTAL_SECONDS - (time.monotonic() - started)
            found = _in_a_process(name, Path(temporary), left, tiny=chosen.tiny)
            findings += found
            for finding in found:
                print(finding, flush=True)
    command = f"scripts/gpu_check {' '.join(sys.argv[1:] if words is None else words)}".rstrip()
    seconds = time.monotonic() - started
    for path in write(Path(chosen.output), findings, command, seconds):
        print(path)
    return int(any(finding.verdict == "wrong" for finding in findings))


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "scripts/gpu_check",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", default=",".join(PARTS), help="parts, as in scores,files (all)")
    parser.add_argument("--output", default=str(ROOT / "runs" / "reference" / "gpu"), help="folder")
    parser.add_argument("--tiny", action="store_true", help="try it out on the CPU; tells nothing")
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    chosen = parser.parse_args(words)
    for name in chosen.only.split(","):
        if name not in PARTS:
            parser.error(f"--only: there is no part '{name}'; parts: {', '.join(PARTS)}")
    return chosen


def _has_gpu() -> bool:
    import torch

    return torch.cuda.is_available()


def _one(name: str, folder: Path, sizes: Sizes) -> int:
    """Carry out a part in this process; leave its findings in the folder."""
    _, part = PARTS[name]
    found = [vars(finding) for finding in part(folder, sizes)]
    (folder / f"{name}.json").write_text(json.dumps(found), encoding="utf-8")
    return 0


def _in_a_process(name: str, folder: Path, left: float, *, tiny: bool) -> list[Finding]:
    """Carry out a part in a process of its own; what it could not do is a finding as well."""
    limit = min(PARTS[name][0], left)
    if limit < 1:
        return [Finding(name, "all of it", verdict="missing", note="no time was left")]
    words = ["--part", name, "--folder", str(folder), *(["--tiny"] if tiny else [])]
    log = folder / f"{name}.log"
    with log.open("w", encoding="utf-8") as said:
        process = subprocess.Popen(
            [sys.executable, str(Path(__file__).resolve()), *words],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code: int | None = process.wait(limit)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            with suppress(ProcessLookupError):  # with all that it started
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if code == 0:
        text = (folder / f"{name}.json").read_text(encoding="utf-8")
        return [Finding(**found) for found in json.loads(text)]
    words = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    why = f"took more than {limit:.0f} s" if code is None else (words or ["it said nothing"])[-1]
    print("\n".join(words[-20:]), file=sys.stderr)
    return [Finding(name, "all of it", verdict="missing", note=why[:300])]


if __name__ == "__main__":
    sys.exit(main())
