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
from mlff_cli.images.loading import batch_of, image_batches
from mlff_cli.system.device import Device
from mlff_cli.system.failures import is_out_of_memory
from mlff_cli.system.ordered import in_order, working_threads
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
    bar = tqdm(
        total=len(sources),
        desc="features",
        unit="image",
        disable=no_bars(),
        delay=2,  # none for each of the images that come one by one
    )
    transfer = transfer_for(device.device)
    columns_of = partial(_arriving, inputs=inputs, device=device, transfer=transfer)
    start, count, held = 0, 0, 0
    parts: list[Arriving] = []
    chunks: deque[tuple[range, list[Arriving]]] = deque()
    for images, arriving in _batches(engine, sources, vary, columns_of, device):
        if count == 0:
            log.info("%d images go through the backbone", len(sources))
        parts += arriving
        count += images
        held += sum(part.nbytes for part in arriving)
        bar.update(images)
        if count - start >= CHUNK or held >= CHUNK_BYTES or count == len(sources):
            chunks.append((range(start, count), parts))
            start, held, parts = count, 0, []
            if len(chunks) > transfer.ahead:
                yield _arrived(*chunks.popleft())
    bar.close()
    while chunks:
        yield _arrived(*chunks.popleft())


def _batches(
    engine: Engine,
    sources: Sequence[ImageSource],
    vary: Callable[[Tensor], Tensor],
    columns_of: Callable[..., Arriving],
    device: Device,
) -> Iterator[tuple[int, list[Arriving]]]:
    """Yield of how many images the next columns are, and the columns."""
    at_once, size = device.batch_size, engine.preprocessing.size
    threads = torch.get_num_threads()
    single = engine.on_one_thread() if threads > 1 and len(sources) > at_once else None
    (single or engine).place(device.device)
    if single is None:
        fitting = _Fitting(partial(columns_of, engine, vary), at_once)
        pinned = device.device.type == "cuda"
        for images in image_batches(sources, size, at_once, device.workers, pinned=pinned):
            yield len(images), fitting(images)
        return
    # Threads that each decode and compute by themselves never wait for one another.
    fitting = _Fitting(partial(columns_of, single, _unchanged), at_once)
    with working_threads(threads) as pool:
        parts = [sources[start : start + at_once] for start in range(0, len(sources), at_once)]
        decoded = in_order(pool, partial(batch_of, size=size), parts, ahead=2 * threads)
        # Changed here: what is drawn for it is drawn in order.
        changed = (vary(_filled(images, at_once)) for images in decoded)
        found = in_order(pool, fitting, changed, ahead=threads)
        yield from zip(map(len, parts), found, strict=True)


def _unchanged(images: Tensor) -> Tensor:
    return images


def _arrived(positions: range, parts: Sequence[Arriving]) -> tuple[range, dict[str, Tensor]]:
    columns = [part.wait() for part in parts]
    count = len(positions)  # the last of them may have been filled up
    return positions, {
        name: torch.cat([own[name] for own in columns])[:count] for name in columns[0]
    }


class _Fitting:
    """Columns of a batch, computed fewer at a time as often as memory ran out."""

    def __init__(self, columns_of: Callable[[int, Tensor], Arriving], size: int) -> None:
        self._columns_of = columns_of
        self._size = size

    @torch.inference_mode()
    def __call__(self, images: Tensor) -> list[Arriving]:
        while True:
            size = self._size
            try:
                return [self._columns_of(size, rows) for rows in torch.split(images, size)]
            except (MemoryError, RuntimeError) as error:
                if size == 1 or not is_out_of_memory(error):
                    raise
            # Here and not above: the error's traceback holds the tensors that did not fit.
            self._size = (size + 1) // 2
            log.warning(
                "out of memory: features are computed %d images at a time from here on; set "
                "trainer.batch_size=%d to begin with that",
                self._size,
                self._size,
            )
            if torch.cuda.is_available():
                torch.cuda.empty_cache()


def _filled(images: Tensor, size: int) -> Tensor:
    """Return so many images, the last one repeated."""
    filling = images[-1:].expand(size - len(images), -1, -1, -1)
    return torch.cat([images, filling]) if len(filling) else images


def _arriving(
    engine: Engine,
    vary: Callable[[Tensor], Tensor],
    size: int,
    images: Tensor,
    *,
    inputs: Sequence[LevelInput],
    device: Device,
    transfer: Transfer,
) -> Arriving:
    changed = vary(transfer.there(_filled(images, size)))
    columns = engine.columns(changed, inputs, device)
    return transfer.back(
        {item.name: column[: len(images)] for item, column in zip(inputs, columns, strict=True)}
    )
