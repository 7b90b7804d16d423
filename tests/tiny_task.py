"""The smallest task that runs to its end, the command line without a new process, and bad files."""

import hashlib
import struct
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from command_calls import call
from PIL import Image

TINY = (
    "task=custom",
    "data.image_size=32",
    "trainer.device=cpu",
    "backbone.engine=torch",
    "trainer.workers=0",
    "trainer.batch_size=8",
    "method.epochs=2",
)
"""Overrides for `mlff train` on the images of `write_images`; a folder or manifest comes beside."""

Command = Callable[..., tuple[int, str]]


def command(*words: str, pictures: bool = False) -> tuple[int, str]:
    """Return the exit code of `mlff` with these words, and all that was said."""
    result = call(*words, pictures=pictures)
    return result.code, result.out + result.err


def picture(shape: tuple[int, ...] = (24, 24, 3), seed: int = 0, top: int = 256) -> np.ndarray:
    """Return noise."""
    kind = np.uint8 if top <= 256 else np.uint16
    return np.random.default_rng(seed).integers(0, top, shape).astype(kind)


def write_images(
    root: Path, products: Sequence[str] = ("bolt", "nut"), images: int = 4
) -> list[Path]:
    """Write PNG files root/<product>/<good or bad>/<number>.png and return them."""
    files = []
    for product in products:
        for label in ("bad", "good"):
            for number in range(images):
                file = root / product / label / f"{number}.png"
                file.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(picture(seed=hash_of(file.relative_to(root)))).save(file)
                files.append(file)
    return files


def write_manifest(root: Path, header: str = "path,label,product") -> Path:
    """Write root/list.csv over `write_images`."""
    files = write_images(root)
    rows = [f"{f.relative_to(root).as_posix()},{f.parts[-2]},{f.parts[-3]}" for f in files]
    (root / "list.csv").write_text("\n".join([header, *rows]) + "\n")
    return root / "list.csv"


def hash_of(path: Path) -> int:
    """Return a number that is the same for a path in every process."""
    return zlib.crc32(path.as_posix().encode())


def huge_png(path: Path, side: int = 20_000) -> None:
    """Write a small file that is, by its header, a picture of side x side pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1 << 20))
    content = chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + content)


def fingerprints(folder: Path) -> dict[str, str]:
    """Return a hash of every file in a folder, but of what a look at it may renew."""
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file.name not in ("log.txt", ".lock")
    }
