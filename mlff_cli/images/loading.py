"""From image sources to batches of images of one size, decoded ahead of the network."""

import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from mlff_cli.backbones.levels import Size, sides
from mlff_cli.errors import UserError
from mlff_cli.tasks.record import ImageSource

if TYPE_CHECKING:
    from mlff_cli.backbones.levels import Preprocessing


def resized(pixels: np.ndarray, size: Size) -> Tensor:
    """Resize RGB pixels (H, W, 3) to a uint8 tensor (3, height, width); bicubic, antialiased.

    The whole image is kept, and its proportions where the size has them: a defect may lie at any
    edge.
    """
    height, width = sides(size)
    if pixels.shape[:2] != (height, width):
        image = Image.fromarray(pixels)
        pixels = np.asarray(image.resize((width, height), Image.Resampling.BICUBIC))
    return torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)))


def normalised(images: Tensor, preprocessing: "Preprocessing") -> Tensor:
    """Scale uint8 images (B, 3, H, W) to [0, 1] and normalise them, where they are."""
    mean, std = (
        _by_channel(values, images.device) for values in (preprocessing.mean, preprocessing.std)
    )
    return (images.float() / 255 - mean) / std


def _by_channel(values: Sequence[float], device: torch.device) -> Tensor:
    """Return constants (1, C, 1, 1), filled in where they are.

    To bring them to a GPU would wait for all that it still has to compute.
    """
    filled = [torch.full((1, 1, 1), value, dtype=torch.float32, device=device) for value in values]
    return torch.stack(filled, dim=1)


class _Images(TorchDataset[Tensor | UserError]):
    def __init__(self, sources: Sequence[ImageSource], size: Size) -> None:
        self.sources = sources
        self.size = size

    def __len__(self) -> int:
        return len(self.sources)

    def __getitem__(self, index: int) -> Tensor | UserError:
        try:
            return resized(self.sources[index].load(), self.size)
        except UserError as error:
            # Raised here, a worker process would wrap its traceback into the message.
            return error


IN_MEMORY = 2 << 30
"""Bytes of decoded images that are kept in memory; more lie in a temporary file."""


def all_images(sources: Sequence[ImageSource], size: Size, workers: int) -> Tensor:
    """Decode every image once: uint8 (N, 3, H, W), for training that returns to them.

    Raises:
        UserError: An image cannot be read.
    """
    shape = (len(sources), 3, *sides(size))
    if int(np.prod(shape)) > IN_MEMORY:
        with tempfile.TemporaryFile() as file:
            images = torch.from_numpy(np.memmap(file, np.uint8, "w+", shape=shape))
    else:
        images = torch.empty(shape, dtype=torch.uint8)
    done = 0
    for batch in image_batches(sources, size, 64, workers):
        images[done : done + len(batch)] = batch
        done += len(batch)
    return images


_START = "fork" if sys.platform == "linux" else None
"""How worker processes start; None: as Python has it, which from 3.14 on imports torch in each."""

LONGEST_TEMPORARY = 70
"""Bytes of a temporary folder's path that leave room for the name of a socket in it."""


def image_batches(
    sources: Sequence[ImageSource], size: Size, batch_size: int, workers: int, pinned: bool = False
) -> Iterator[Tensor]:
    """Yield uint8 batches (B, 3, H, W) in the order of the sources; the last may be short.

    Raises:
        UserError: An image cannot be read; worker processes hand it over as it is.
    """
    if len(sources) <= batch_size:
        workers = 0
    if workers:
        _warm_up(sources[0])
    loader = DataLoader(
        _Images(sources, size),
        batch_size=batch_size,
        num_workers=workers,
        collate_fn=_stacked,
        # Its own, or each pass would move torch's random state.
        generator=torch.Generator(),
        pin_memory=pinned,
        worker_init_fn=_with_short_paths,
        prefetch_factor=4 if workers else None,
        multiprocessing_context=_START if workers else None,
    )
    for batch in loader:
        if isinstance(batch, UserError):
            raise batch
        yield batch


def batch_of(sources: Sequence[ImageSource], size: Size) -> Tensor:
    """Return a few images, decoded here, as one uint8 batch (B, 3, H, W).

    Raises:
        UserError: An image cannot be read.
    """
    return torch.stack([resized(source.load(), size) for source in sources])


def _warm_up(source: ImageSource) -> None:
    """Load an image here, so that what it takes is imported once and not in each process."""
    with suppress(UserError):  # raised where its turn comes
        source.load()


def _with_short_paths(worker: int) -> None:
    """Let a worker process hand images over where TMPDIR has a long path.

    That goes through a socket in the temporary folder, whose path may have about a hundred
    characters; with a longer one the process that waits for the images would wait for ever.
    """
    if os.name == "posix" and len(os.fsencode(tempfile.gettempdir())) > LONGEST_TEMPORARY:
        tempfile.tempdir = "/tmp"


def _stacked(images: list[Tensor | UserError]) -> Tensor | UserError:
    """Return the images as one batch, or the first of those that cannot be read."""
    bad = [image for image in images if isinstance(image, UserError)]
    return bad[0] if bad else torch.stack([i for i in images if isinstance(i, Tensor)])
