"""Figures 9 and 10: what `mlff predict` takes on one core, image by image and in thousands."""

import os
import shutil
import sys
from itertools import cycle, islice
from pathlib import Path
from statistics import quantiles

from bench import MLFF, Bench
from material import Material
from processes import measured
from stream import ON_ONE_CORE

STREAM = Path(__file__).with_name("stream.py")
PRODUCT = "woven_fabric"
ENGINES = ("torch", "exported graph")
"""What answers."""


def one_by_one(bench: Bench, material: Material) -> None:
    """Take figure 9: milliseconds from the path of an image to its answer, in a warm process."""
    warm_up, count = bench.extent.stream
    output = bench.folder / "milliseconds"
    run = _trained(bench)
    for engine in ENGINES:
        what = run if engine == "torch" else _exported(bench, run)
        words = (what, PRODUCT, material.listed, warm_up, count, output)
        for repetition in range(bench.extent.repeat):
            command = [*_one_core(), sys.executable, str(STREAM), *map(str, words)]
            bench.process(9, engine, repetition, command)
            for behind, took in zip(("", "_processor"), _columns(output), strict=True):
                cuts = quantiles(took, n=100, method="inclusive")
                shares = {f"p{share}{behind}": cuts[share - 1] for share in (50, 95, 99)}
                bench.note(9, engine, repetition, **shares)


def thousands(bench: Bench, material: Material) -> None:
    """Take figure 10: many images in one process; whether its memory grows with them."""
    run = _trained(bench)
    for repetition in range(bench.extent.repeat_long):
        for count in bench.extent.predicted:
            folder = _linked(material, count, bench.fresh("linked"))
            command = [
                *_one_core(), *MLFF, "predict", str(run), str(folder), f"product={PRODUCT}",
                f"output={bench.folder / 'told.csv'}", "limit=1", *ON_ONE_CORE,
            ]  # fmt: skip
            case = f"{count:,} images"
            took = bench.process(10, case, repetition, command)
            bench.note(10, case, repetition, images_per_second=count / took.seconds)


def _columns(output: Path) -> tuple[tuple[float, ...], ...]:
    """Return the milliseconds of all images, and those of the processor."""
    lines = output.read_text(encoding="utf-8").splitlines()
    return tuple(zip(*(map(float, line.split()) for line in lines), strict=True))


def _exported(bench: Bench, run: Path) -> Path:
    """Return a product of a run as one ONNX graph."""
    file = bench.folder / "product.onnx"
    command = [*MLFF, "export", str(run), f"product={PRODUCT}", f"output={file}"]
    measured(command, bench.folder, bench.environment)
    return file


def _trained(bench: Bench) -> Path:
    """Return a run on a few drawn images; how good it is makes no difference here."""
    runs = bench.folder / "predicting"
    if done := next(runs.glob("*/*/DONE"), None):
        return done.parent
    command = [
        *MLFF, "train", "task=surface_defect", "data.images_per_class=8", "method.epochs=2",
        f"data.image_size={bench.extent.size}", f"paths.runs={runs}",
    ]  # fmt: skip
    measured(command, bench.folder, bench.environment)
    return next(runs.glob("*/*/DONE")).parent


def _one_core() -> list[str]:
    """Return what stands before a command so that it computes on one core alone."""
    pinned = []
    if shutil.which("taskset"):
        pinned = ["taskset", "--cpu-list", str(max(os.sched_getaffinity(0)))]
    return ["env", "OMP_NUM_THREADS=1", *pinned]


def _linked(material: Material, count: int, folder: Path) -> Path:
    """Make a folder with so many images: those there are, again and again."""
    folder.mkdir()
    files = material.listed.read_text(encoding="utf-8").splitlines()
    for number, file in enumerate(islice(cycle(files), count)):
        (folder / f"{number:06d}{Path(file).suffix}").symlink_to(Path(file).absolute())
    return folder
