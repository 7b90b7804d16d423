"""Content hashes of images; files are hashed again only when they changed."""

import hashlib
import os
from collections.abc import Callable, Sequence
from io import BufferedReader
from pathlib import Path

from mlff_cli.images.remembered import of_files
from mlff_cli.tasks.modalities import MultimodalImage, parts_of
from mlff_cli.tasks.record import ImageSource


def memo_of(store: Path | None) -> Path | None:
    """Return the file in which a store of features remembers what the files of images hold."""
    return store / "files.jsonl" if store else None


def identities(images: Sequence[ImageSource], memo: Path | None) -> list[str]:
    """Return the content hash (64 hex digits) of each image.

    An image with a `path` is one file, its identity the SHA-256 of the bytes, or what its
    `identity_of` makes of that; `memo` is a file that remembers the hash by path, size and times
    (None: nothing is remembered). Several images of one part are hashed one by one. Any other image
    tells its identity itself.

    Raises:
        UserError: A file cannot be read; the message names it.
    """
    contents = iter(_of_single([part for image in images for part in parts_of(image)], memo))
    return [
        image.identity_of([next(contents) for _ in image.parts])
        if isinstance(image, MultimodalImage)
        else next(contents)
        for image in images
    ]


def _of_single(images: Sequence[ImageSource], memo: Path | None) -> list[str]:
    paths = [_path(image) for image in images]
    hashes = of_files([path for path in paths if path is not None], memo, _sha256)
    return [
        image.identity() if path is None else _identity(image, hashes[path])
        for image, path in zip(images, paths, strict=True)
    ]


def _identity(image: ImageSource, file_hash: str) -> str:
    identity_of: Callable[[str], str] | None = getattr(image, "identity_of", None)
    return identity_of(file_hash) if identity_of else file_hash


def _path(image: ImageSource) -> str | None:
    path = getattr(image, "path", None)
    return None if path is None else os.path.abspath(path)  # noqa: PTH100 pathlib is slower


def _sha256(file: BufferedReader) -> str:
    return hashlib.file_digest(file, "sha256").hexdigest()
