"""One pass of a frozen backbone over images: every level, pooled in every way that is kept."""

import logging
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import torch
from torch import Tensor
from tqdm import tqdm

from mlff_cli.features.engine import Engine
from mlff_cli.features.pooling import LevelInput
from mlff_cli.features.transfer import Arriving, Transfer, transfer_for
from mlff_cli.images.loading import image_batches
from mlff_cli.system.device import Device
from mlff_cli.system.failures import is_out_of_memory
from mlff_cli.system.silence import no_bars
from mlff_cli.tasks.record import ImageSource

log = logging.getLogger(__name__)

CHUNK, CHUNK_BYTES = 1024, 256 << 20
"""Images, and bytes of features, that are handed on at a time.

What a broken-off extraction loses at most, and what it holds in memory; on a GPU twice that, which
computes a chunk while the one before it is stored.
"""


@torch.inference_mode()
def extract(
    engine: Engine,
    sources: Sequence[ImageSource],
    vary: Callable[[Tensor], Tensor],
    inputs: Sequence[LevelInput],
    device: Device,
) -> Iterator[tuple[range, dict[str, Tensor]]]:
    """Yield positions and columns (n, ...) on the CPU, fp32, a chunk at a time.

    `vary` changes the uint8 images (B, 3, H, W) of a batch before they go through the network.
    Every batch has the same size, the last one filled up, so that the features of an image do
    not depend on which images were asked for with it. Where memory runs out, the size is halved.
    """
    engine.place(device.device)
    bar = tqdm(
        total=len(sources),
        desc="features",
        unit="image",
        disable=no_bars(),
        delay=2,  # none for each of the images that come one by one
    )
    transfer = transfer_for(device.device)
    columns_of = partial(
        _arriving, engine, vary=vary, inputs=inputs, device=device, transfer=transfer
    )
    start, count, held, size = 0, 0, 0, device.batch_size
    parts: list[Arriving] = []
    chunks: deque[tuple[range, list[Arriving]]] = deque()
    for images in _batches(engine, sources, device):
        if count == 0:
            log.info("%d images go through the backbone", len(sources))
        arriving, size = _fitting(images, size, columns_of)
        parts += arriving
        count += len(images)
        held += sum(part.nbytes for part in arriving)
        bar.update(len(images))
        if count - start >= CHUNK or held >= CHUNK_BYTES or count == len(sources):
            chunks.append((range(start, count), parts))
            start, held, parts = count, 0, []
            if len(chunks) > transfer.ahead:
                yield _arrived(*chunks.popleft())
    bar.close()
    while chunks:
        yield _arrived(*chunks.popleft())


def _batches(engine: Engine, sources: Sequence[ImageSource], device: Device) -> Iterator[Tensor]:
    return image_batches(
        sources,
        engine.preprocessing.size,
        device.batch_size,
        device.workers,
        pinned=device.device.type == "cuda",
    )


def _arrived(positions: range, parts: Sequence[Arriving]) -> tuple[range, dict[str, Tensor]]:
    columns = [part.wait() for part in parts]
    return positions, {name: torch.cat([own[name] for own in columns]) for name in columns[0]}


def _fitting(
    images: Tensor, size: int, columns_of: Callable[[int, Tensor], Arriving]
) -> tuple[list[Arriving], int]:
    """Return the columns of a batch, and the batch size: halved as often as memory ran out."""
    while True:
        try:
            return [columns_of(size, rows) for rows in torch.split(images, size)], size
        except (MemoryError, RuntimeError) as error:
            if size == 1 or not is_out_of_memory(error):
                raise
        # Here and not above: the error's traceback holds the tensors that did not fit.
        size = (size + 1) // 2
        log.warning(
            "out of memory: features are computed %d images at a time from here on; set "
            "trainer.batch_size=%d to begin with that",
            size,
            size,
        )
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def _arriving(
    engine: Engine,
    size: int,
    images: Tensor,
    *,
    vary: Callable[[Tensor], Tensor],
    inputs: Sequence[LevelInput],
    device: Device,
    transfer: Transfer,
) -> Arriving:
    count = len(images)
    if count < size:
        filling = images[-1:].expand(size - count, -1, -1, -1)
        images = torch.cat([images, filling])
    columns = engine.columns(vary(transfer.there(images)), inputs, device)
    return transfer.back(
        {item.name: column[:count] for item, column in zip(inputs, columns, strict=True)}
    )
