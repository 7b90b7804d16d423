"""Passes of backbones on a GPU: bare, compiled, through mlff, and from files."""

import time
from collections.abc import Callable, Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from gpu_check_findings import Finding
from gpu_check_sizes import Sizes
from PIL import Image
from torch import Tensor

from mlff_cli.backbones.efficientnet_lite0 import EfficientNetLite0
from mlff_cli.backbones.engines import TORCH
from mlff_cli.backbones.folding import folded
from mlff_cli.backbones.network import Backbone, on_device
from mlff_cli.backbones.recipe import BackboneRecipe
from mlff_cli.backbones.resnet50 import ResNet50
from mlff_cli.backbones.torchvision_remedy import import_torchvision
from mlff_cli.data.files import FileImage
from mlff_cli.features import extraction as mlff_extraction
from mlff_cli.features.engine import TorchEngine
from mlff_cli.features.features import Features, Store
from mlff_cli.features.pooling import STANDARD, LevelInput
from mlff_cli.features.store.disk import FeatureSpace, FeatureStore
from mlff_cli.features.store.memory import MemoryStore
from mlff_cli.images.loading import image_batches, normalised
from mlff_cli.system.device import Device
from mlff_cli.system.failures import is_out_of_memory

BACKBONES: dict[str, tuple[type[BackboneRecipe], tuple[str, ...], float]] = {
    "efficientnet_lite0": (EfficientNetLite0, (), 90_000),
    "resnet50": (ResNet50, ("layer1", "layer2", "layer3", "layer4"), 40_000),
}
"""Class, levels, and the images/s that one H100 or H200 should reach."""

SHARE = 0.9
"""Of a bare pass that mlff should reach."""

WEIGHTS = "random weights, which change no speed"
DIFFERENT = 4
"""Batches that are passed in turn."""
WARM_UP = 3


def extraction(folder: Path, sizes: Sizes) -> list[Finding]:
    """Take images/s from memory, bare and through mlff, and the memory of both."""
    found = []
    for name, (_, _, goal) in BACKBONES.items():
        # What `backbone.engine=auto` computes with on a GPU.
        network, best = folded(_recipe(name, folder, sizes).build()), 0.0
        for size in sizes.batches:
            try:
                found += (own := _of_batches(name, network, size, sizes))
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
                found.append(Finding("extraction", f"{name}, {size}", verdict="missing",
                                     note="out of memory"))  # fmt: skip
                continue
            best = max(best, own[1].value or 0.0)
        found.append(
            Finding(
                "extraction", name, "images/s through mlff, best batch size", best,
                f"{goal:,.0f} on an H100 or H200", "reached" if best >= goal else "short", WEIGHTS,
            )
        )  # fmt: skip
    return found


def compiled(folder: Path, sizes: Sizes) -> list[Finding]:
    """Take images/s of a bare compiled pass, and from how many images on compiling pays."""
    found = []
    for name in BACKBONES:
        device = _device(sizes, max(sizes.batches[:2]))
        backbone = on_device(_recipe(name, folder, sizes).build(), device.device)
        batch = _random(device.batch_size, sizes).to(device.device)
        plain = _bare(backbone, batch, device, sizes)
        quick: Any = torch.compile(backbone, backend=sizes.compiler)
        started = time.perf_counter()
        _passed(quick, backbone, batch, device)
        _wait(device)
        compiling = time.perf_counter() - started
        speed = _bare(backbone, batch, device, sizes, through=quick)
        gain = 1 / plain - 1 / speed
        found += [
            Finding("compiled", name, "images/s, plain", plain, note=WEIGHTS),
            Finding("compiled", name, "images/s, compiled", speed),
            Finding("compiled", name, "seconds of compiling", compiling),
            Finding("compiled", name, "images from which on it pays",
                    compiling / gain if gain > 0 else None,
                    note="" if gain > 0 else "it never pays"),
        ]  # fmt: skip
    return found


def files(folder: Path, sizes: Sizes) -> list[Finding]:
    """Take images/s from files, into memory and into a store, beside decoding alone."""
    sources, name = _written(folder / "files", sizes), "efficientnet_lite0"
    device, recipe = _device(sizes, 0, workers=-1), _recipe(name, folder, sizes)
    pinned = device.device.type == "cuda"
    started = time.perf_counter()
    for _ in image_batches(sources, sizes.side, device.batch_size, device.workers, pinned=pinned):
        pass
    decoding = time.perf_counter() - started
    found = [Finding("files", "decoding alone", "images/s", len(sources) / decoding,
                     note=f"{device.workers} processes")]  # fmt: skip
    space = FeatureSpace(
        recipe.feature_fingerprint, recipe.preprocessing, description=recipe.description
    )
    stores: dict[str, Store] = {
        "into memory": MemoryStore(),
        "into a store": FeatureStore(folder / "store", space, dtype="float32"),
    }
    for case, store in stores.items():
        features = Features(recipe, store, device)
        inputs = [LevelInput(level.name, kind) for level in features.facts.levels
                  for kind in STANDARD]  # fmt: skip
        started = time.perf_counter()
        features.ensure(sources, inputs)
        seconds = time.perf_counter() - started
        found += [
            Finding("files", f"{name}, {case}", "images/s", len(sources) / seconds),
            Finding("files", f"{name}, {case}", "decoding alone, share of its time",
                    decoding / seconds, note="at 1 the pass is bound by decoding"),
        ]  # fmt: skip
    return found


def _of_batches(name: str, network: Backbone, size: int, sizes: Sizes) -> list[Finding]:
    """Return images/s of a bare pass and through mlff, their ratio, and the peak of memory."""
    device, case = _device(sizes, size), f"{name}, batches of {size}"
    if sizes.device == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    on_device(network, device.device)
    bare = _bare(network, _random(size, sizes).to(device.device), device, sizes)
    own = _through_mlff(network, size, device, sizes)
    peak = torch.cuda.max_memory_allocated() / 2**20 if sizes.device == "cuda" else 0.0
    verdict = "reached" if own >= SHARE * bare else "short"
    return [
        Finding("extraction", case, "images/s, bare pass", bare, note=str(device)),
        Finding("extraction", case, "images/s through mlff, from memory", own),
        Finding("extraction", case, "mlff / bare pass", own / bare, f"{SHARE:g}", verdict),
        Finding("extraction", case, "peak GPU memory (MiB)", peak),
    ]


def _bare(
    backbone: Backbone,
    batch: Tensor,
    device: Device,
    sizes: Sizes,
    through: Callable[[Tensor], Any] | None = None,
) -> float:
    """Return images/s of nothing but normalising and passing a batch that is there already."""
    through = backbone if through is None else through
    for _ in range(WARM_UP):
        _passed(through, backbone, batch, device)
    _wait(device)
    started, passes = time.perf_counter(), max(1, sizes.images // len(batch))
    for _ in range(passes):
        _passed(through, backbone, batch, device)
    _wait(device)
    return passes * len(batch) / (time.perf_counter() - started)


@torch.inference_mode()
def _passed(
    through: Callable[[Tensor], Any], backbone: Backbone, batch: Tensor, device: Device
) -> None:
    prepared = normalised(batch, backbone.preprocessing)
    with device.autocast():
        through(prepared.contiguous(memory_format=torch.channels_last))


def _through_mlff(network: Backbone, size: int, device: Device, sizes: Sizes) -> float:
    """Return images/s of batches in memory, to their features in memory."""
    inputs = [LevelInput(level.name, pooling) for level in network.levels for pooling in STANDARD]
    engine = TorchEngine(network)
    some = [_random(size, sizes, seed) for seed in range(DIFFERENT)]
    if sizes.device == "cuda":
        some = [batch.pin_memory() for batch in some]
    passes = max(1, sizes.images // size)

    def batches(*_: Any, **__: Any) -> Iterator[Tensor]:
        return islice(cycle(some), count // size)

    # In place of what decodes; all that follows is as in a run.
    with patch.object(mlff_extraction, "image_batches", batches):
        for count in (WARM_UP * size, passes * size):
            started = time.perf_counter()
            sources: Any = range(count)
            for _ in mlff_extraction.extract(engine, sources, _as_they_are, inputs, device):
                pass
            seconds = time.perf_counter() - started
    return passes * size / seconds


def _as_they_are(images: Tensor) -> Tensor:
    return images


def _recipe(name: str, folder: Path, sizes: Sizes) -> BackboneRecipe:
    """Return a backbone with weights as they are drawn: there may be no others on the machine."""
    from safetensors.torch import save_file

    kind, levels, _ = BACKBONES[name]
    file = folder / f"{name}.safetensors"
    if not file.is_file():
        import_torchvision()
        import timm

        save_file(timm.create_model(kind.model, pretrained=False).state_dict(), file)
    return kind(image_size=sizes.side, weights=str(file), levels=list(levels), engine=TORCH)


def _device(sizes: Sizes, size: int, workers: int = 0) -> Device:
    return Device.choose(device=sizes.device, precision="auto", workers=workers, batch_size=size)


def _random(count: int, sizes: Sizes, seed: int = 0) -> Tensor:
    draw = torch.Generator().manual_seed(seed)
    return torch.randint(256, (count, 3, sizes.side, sizes.side), generator=draw, dtype=torch.uint8)


def _written(folder: Path, sizes: Sizes) -> list[FileImage]:
    """Write JPEG files, a little larger than the network takes them."""
    folder.mkdir(parents=True, exist_ok=True)
    draw, written = np.random.default_rng(0), []
    for number in range(sizes.written):
        coarse = Image.fromarray(draw.integers(0, 256, (16, 16, 3), dtype=np.uint8))
        path = folder / f"{number}.jpg"
        side = sizes.side * 8 // 7
        coarse.resize((side, side), Image.Resampling.BICUBIC).save(path, quality=90)
        written.append(FileImage(path))
    return written


def _wait(device: Device) -> None:
    if device.device.type == "cuda":
        torch.cuda.synchronize()
