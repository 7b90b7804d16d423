"""Figures 1 to 8: which processes are run for each, in which order."""

import re
import shutil
import sys
from collections.abc import Set
from datetime import datetime
from pathlib import Path
from typing import Any

from bench import MLFF, Bench
from material import Material, products_in_turn
from processes import measured

FLOOR = Path(__file__).with_name("floor.py")
FIRST_IMAGE = "go through the backbone"
"""What `mlff train` says when the first images have reached the network."""


def side_by_side(bench: Bench, only: Set[int], material: Material) -> None:
    """Take figures 1 to 5 of the same images in turn, so that all meet the same machine."""
    if bench.extent.warm_up:
        _warm_up(bench, material)
    for repetition in range(bench.extent.repeat):
        if 1 in only:
            _floor(bench, repetition, material)
        if only & {2, 3}:
            _cold_and_warm(bench, repetition, material, only)
        if repetition >= bench.extent.repeat_long:
            continue
        if 4 in only:
            _fine_tuning(bench, repetition, material)
        if 5 in only:
            _sweep(bench, repetition, material)


def _warm_up(bench: Bench, material: Material) -> None:
    """Bring programs and libraries into the system's cache; nothing is kept of it."""
    store = bench.fresh("store")
    command = [*MLFF, "train", *material.overrides, f"data.image_size={bench.extent.size}",
               f"paths.runs={bench.folder / 'warm-up'}", f"paths.features={store}"]  # fmt: skip
    measured(command, bench.folder, bench.environment, until=FIRST_IMAGE)
    shutil.rmtree(bench.folder / "warm-up", ignore_errors=True)


def _floor(bench: Bench, repetition: int, material: Material) -> None:
    from mlff_cli.system.device import Device

    device = Device.choose(device="auto", precision="auto", workers=-1, batch_size=0)
    precision = str(device.autocast_type).removeprefix("torch.") if device.autocast_type else ""
    words = (
        material.listed, bench.extent.size, device.batch_size, device.workers,
        device.device.type, precision or "float32",
    )  # fmt: skip
    bench.process(1, "floor", repetition, [sys.executable, str(FLOOR), *map(str, words)])


def extracted(record: dict[str, Any]) -> int:
    """Return the images that went through the backbone in a run, by its run.json."""
    return sum(step["images_extracted"] for step in record["steps"])


def _cold_and_warm(bench: Bench, repetition: int, material: Material, only: Set[int]) -> None:
    store = bench.fresh("store")
    _, facts = bench.train(2, "empty store", repetition, material, store)
    if extracted(facts) != material.images:
        raise RuntimeError(f"{extracted(facts)} of {material.images} images were seen")
    if 3 not in only:
        return
    for case, key in (("another seed", "seed=1"), ("another fusion layer", "fusion=authors")):
        _, facts = bench.train(3, case, repetition, material, store, key)
        if extracted(facts):
            raise RuntimeError(f"{case}: {extracted(facts)} images were seen again")


def _fine_tuning(bench: Bench, repetition: int, material: Material) -> None:
    for epochs in (1, 2):
        bench.train(
            4, f"fine-tuning, E = {epochs}", repetition, material, bench.fresh("store"),
            "method=finetune", f"method.epochs={epochs}",
        )  # fmt: skip


def _finished_run(bench: Bench) -> None:
    """Ask a finished run of drawn products: as `train` again, `evaluate` and `report`."""
    runs = bench.folder / "finished"
    places = (f"paths.runs={runs}", f"paths.features={bench.fresh('store')}")
    small = ("data.image_size=64", "data.images_per_class=12", "method.epochs=5")
    train = [*MLFF, "train", "task=surface_defect", *small, *places]
    measured(train, bench.folder, bench.environment)
    (done,) = runs.rglob("DONE")
    asked = {
        "train, a finished run": train,
        "evaluate": [*MLFF, "evaluate", str(done.parent), *places],
        "report": [*MLFF, "report", str(done.parent), f"output={bench.folder / 'report'}"],
        # What these take in an hour compares with this: machines differ, and so do hours.
        "import torch, and nothing else": [sys.executable, "-c", "import torch"],
    }
    for repetition in range(bench.extent.starts):
        for case, command in asked.items():
            bench.process(8, case, repetition, command)
    shutil.rmtree(runs)


def _sweep(bench: Bench, repetition: int, material: Material) -> None:
    runs, seeds = bench.folder / "sweep", ",".join(map(str, range(bench.extent.sweep)))
    command = [
        *MLFF, "sweep", *material.overrides, f"data.image_size={bench.extent.size}",
        *bench.extent.keys, "fusion=conv1x1,authors", f"seed={seeds}",
        f"paths.runs={runs}", f"paths.features={bench.fresh('store')}",
    ]  # fmt: skip
    bench.process(5, f"sweep of {2 * bench.extent.sweep} runs", repetition, command)
    shutil.rmtree(runs)


def experience_by_experience(bench: Bench) -> None:
    """Take figure 6: what each experience of a long sequence costs."""
    products, images = bench.extent.experiences
    material = products_in_turn(products, images, 64, bench.folder / "products")
    for repetition in range(bench.extent.repeat_long):
        store = bench.fresh("store")
        _, facts = bench.train(
            6, f"{products} experiences", repetition, material, store, "data.image_size=64"
        )
        ends = ended(facts["log"])
        for number, step in enumerate(facts["steps"], 1):
            learning = step["extraction_seconds"] + step["training_seconds"]
            scoring = step["scoring_seconds"]
            whole = ends[number - 1] - ends[number - 2] if number > 1 else learning + scoring
            bench.note(
                6, f"experience {number}", repetition,
                learning_seconds=learning, scoring_seconds=scoring,
                keeping_seconds=whole - learning - scoring,
                peak_memory_mib=step["peak_memory_mib"],
            )  # fmt: skip


def ended(log: str) -> list[float]:
    """Return when the experiences of a run were learned and scored, in seconds, by its log.txt."""
    stamps = re.findall(r"^(\S+ \S+),(\d+) \d+/\d+ .*: learned in ", log, re.MULTILINE)
    return [datetime.fromisoformat(day).timestamp() + int(ms) / 1000 for day, ms in stamps]


def scale(bench: Bench) -> None:
    """Take figure 7: tens of thousands of drawn images in many experiences."""
    for images_per_class in bench.extent.scales:
        store = bench.fresh("store")
        images = images_per_class * 15
        case = f"{images:,} images"
        took, _ = bench.train(
            7, case, 0, None, store,
            "task=surface_defect", "schedule=by_batch", "data.image_size=64",
            f"data.images_per_class={images_per_class}", f"data.batches={bench.extent.batches}",
            sampled=True,
        )  # fmt: skip
        stored = sum(file.stat().st_size for file in store.rglob("*") if file.is_file())
        bench.note(
            7, case, 0,
            images=images, images_per_second=images / took.seconds,
            store_bytes_per_image=stored / images, together_mib=took.together_mib,
        )  # fmt: skip


def start_up(bench: Bench, material: Material) -> None:
    """Take figure 8: help, a wrong word, what asks a finished run, and the first image."""
    for repetition in range(bench.extent.starts):
        bench.process(8, "mlff --help", repetition, [*MLFF, "--help"])
        wrong = [*MLFF, "train", "task=surface_defect", "bakbone=resnet18"]
        bench.process(8, "a misspelt key", repetition, wrong, expected=2)
    _finished_run(bench)
    for repetition in range(bench.extent.repeat):
        store = bench.fresh("store")
        bench.train(8, "to the first image", repetition, material, store, until=FIRST_IMAGE)
