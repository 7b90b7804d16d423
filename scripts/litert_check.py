#!/usr/bin/env python
"""Export a run as LiteRT and run it with its interpreter: sizes, differences, times.

Needs the extra litert, a gigabyte, best in an environment of its own:

    python -m venv litert; litert/bin/pip install '.[litert]'
    litert/bin/python scripts/litert_check.py <run folder> runs/reference/litert
"""

import sys
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np

from mlff_cli.config.composition import user_cache
from mlff_cli.config.shipped import shipped
from mlff_cli.runs.export.litert import LitertSession, litert_file
from mlff_cli.runs.export.product import exported_product

PASSES = 100
PACKAGES = ("litert-torch", "ai-edge-litert", "torch")


def main(run: str, folder: str) -> None:
    """Write <folder>/results.md."""
    paths = {**shipped("paths/default"), "features": folder, "graphs": f"{user_cache()}/graphs"}
    exported = exported_product({**shipped("export"), "run": run, "paths": paths})
    content = litert_file(exported, "fp32")
    session = LitertSession(content)
    comparison = exported.compared(session)
    height, width = exported.card("fp32").size
    passes = sorted(_seconds(session, (height, width)) for _ in range(PASSES))
    lines = [
        f"`{exported.opened.record.command}`",
        "",
        "`mlff export <run> format=litert output=line.tflite`: "
        f"{exported.deployed.provenance['backbone']}, {height} x {width} px",
        "",
        "| | |",
        "| --- | --- |",
        *(f"| {name} | {version(name)} |" for name in PACKAGES),
        f"| size of the file | {len(content) / 1e6:.1f} MB |",
        f"| held against | {comparison.sentence} |",
        f"| passes the gate of full precision | {'no' if comparison.refusal(None) else 'yes'} |",
        f"| milliseconds of one thread an image, median of {PASSES} (least) | "
        f"{1000 * passes[PASSES // 2]:.1f} ({1000 * passes[0]:.1f}) |",
    ]
    Path(folder).mkdir(parents=True, exist_ok=True)
    Path(folder, "results.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _seconds(session: LitertSession, size: tuple[int, int]) -> float:
    """Return the processor's time for one image of the network's size."""
    image = np.zeros((1, *size, 3), np.uint8)
    started = time.process_time()
    session(image)
    return time.process_time() - started


if __name__ == "__main__":
    main(*sys.argv[1:])
