"""One pass of a frozen backbone over images: every level, every statistic that is kept."""

import sys
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from tqdm import tqdm

from mlff_cli.backbones.network import Backbone, on_device
from mlff_cli.data.images import image_batches, normalised
from mlff_cli.data.records import Record
from mlff_cli.device import Device
from mlff_cli.features.statistics import LevelInput, statistic
from mlff_cli.features.views import view_of

CHUNK = 1024
"""Images whose features are handed on at a time: what a broken-off extraction loses at most."""


@torch.inference_mode()
def extract(
    backbone: Backbone,
    records: Sequence[Record],
    view: int,
    inputs: Sequence[LevelInput],
    device: Device,
) -> Iterator[tuple[range, dict[str, Tensor]]]:
    """Yield positions and columns (n, ...) on the CPU, fp32, a chunk at a time.

    Every batch has the same size, the last one filled up, so that the features of an image do
    not depend on which images were asked for with it.
    """
    on_device(backbone, device.device)
    bar = tqdm(total=len(records), desc="features", unit="image", disable=not sys.stderr.isatty())
    batches = image_batches(
        records,
        backbone.preprocessing.size,
        device.batch_size,
        device.workers,
        pinned=device.device.type == "cuda",
    )
    start, count, parts = 0, 0, []
    for images in batches:
        parts.append(_columns(backbone, images, view, inputs, device))
        count += len(images)
        bar.update(len(images))
        if count - start >= CHUNK or count == len(records):
            yield (
                range(start, count),
                {item.name: torch.cat([part[item.name] for part in parts]) for item in inputs},
            )
            start, parts = count, []
    bar.close()


def _columns(
    backbone: Backbone, images: Tensor, view: int, inputs: Sequence[LevelInput], device: Device
) -> dict[str, Tensor]:
    count = len(images)
    if count < device.batch_size:
        filling = images[-1:].expand(device.batch_size - count, -1, -1, -1)
        images = torch.cat([images, filling])
    moved = images.to(device.device, non_blocking=True)
    prepared = normalised(view_of(moved, view), backbone.preprocessing)
    with device.autocast():
        maps = backbone(prepared.contiguous(memory_format=torch.channels_last))
    by_level = dict(zip((level.name for level in backbone.levels), maps, strict=True))
    return {
        item.name: statistic(item.statistic)(by_level[item.level])[:count].cpu() for item in inputs
    }
