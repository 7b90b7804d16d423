"""Images in files, and what every dataset of files shares: its folder and its damaged images."""

import hashlib
import logging
import os
import re
from abc import abstractmethod
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from io import BufferedReader
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mlff_cli.data.base import Dataset
from mlff_cli.errors import SHOWN, UserError, nearest
from mlff_cli.images.decoding import (
    MIN_SIDE,
    SUFFIXES,
    UNSUPPORTED,
    WIDEST,
    ImageProblem,
    decode,
    decoding_problem,
    file_problem,
    header_problem,
)
from mlff_cli.images.remembered import of_files
from mlff_cli.images.variations import VARIATIONS, check_variations
from mlff_cli.tasks.modalities import parts_of
from mlff_cli.tasks.record import ImageSource, Record, one_form

__all__ = ["SUFFIXES", "FileDataset", "FileImage", "header_problem", "natural", "one_of", "usable"]

_REMEDY = "Fix or remove the file, or leave such files out with data.on_bad_image=skip"

Box = tuple[int, int, int, int]
"""Left, top, width and height in pixels."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FileImage:
    """One image file, or a part of one. Its methods raise `UserError` that names file and trouble.

    Attributes:
        path: The file.
        bits: Of the range that 16-bit values are scaled from; what has 8 bits has the default.
        box: Left, top, width and height in pixels of the part, in the upright image; None: all.
    """

    path: Path
    bits: int = WIDEST
    box: Box | None = None

    def identity(self) -> str:
        """Return the hash (64 hex digits) of what `load` returns."""
        try:
            with self.path.open("rb") as file:
                return self.identity_of(hashlib.file_digest(file, "sha256").hexdigest())
        except OSError as error:
            raise UserError(f"{self.path}: {file_problem(self.path, error)}. {_REMEDY}") from error

    def identity_of(self, file_hash: str) -> str:
        """Return the identity, given the sha256 of the file's bytes: this, for the file as it is.

        Features of the same file under another range, or of another part of it, are others.
        """
        bits = [] if self.bits == WIDEST else [f"bits={self.bits}"]
        box = [] if self.box is None else ["box={},{},{},{}".format(*self.box)]
        if not bits + box:
            return file_hash
        return hashlib.sha256(" ".join([file_hash, *bits, *box]).encode()).hexdigest()

    def load(self) -> NDArray[np.uint8]:
        """Return the pixels, RGB, uint8 (H, W, 3), upright, at the size of the file or part."""
        try:
            return _part(decode(self.path, self.bits), self.box)
        except ImageProblem as problem:
            raise UserError(f"{self.path}: {problem}. {_REMEDY}") from problem


def box_problem(box: Box, width: int, height: int) -> str | None:
    """Return what is wrong with a part of an image of this size, None when nothing is."""
    left, top, wide, high = box
    if min(wide, high) < MIN_SIDE:
        return f"is {wide} x {high}, smaller than {MIN_SIDE} x {MIN_SIDE} pixels"
    if min(left, top) < 0 or left + wide > width or top + high > height:
        return f"leads out of the image, which is {width} x {height} pixels"
    return None


def _part(pixels: NDArray[np.uint8], box: Box | None) -> NDArray[np.uint8]:
    if box is None:
        return pixels
    if problem := box_problem(box, pixels.shape[1], pixels.shape[0]):
        raise ImageProblem("the box {},{},{},{} ".format(*box) + problem)
    left, top, width, height = box
    return pixels[top : top + height, left : left + width].copy()


def files_of(image: ImageSource) -> list[Path]:
    """Return the files that an image is read from."""
    return [part.path for part in parts_of(image) if isinstance(part, FileImage)]


def usable(
    records: Sequence[Record], on_bad_image: str, limit: float, store: Path | None = None
) -> tuple[list[Record], list[tuple[str, str]]]:
    """Return the records whose files can be read, and (name, problem) of the others.

    With `error` the headers alone are read, and any bad file raises `UserError`. With `skip` every
    file is decoded, so that data cut off half-way are found too; more than the share `limit` of
    bad ones raises `UserError`. A folder `store` remembers which files were found to be good.
    """
    paths = [files_of(record.image) for record in records]
    files = list(dict.fromkeys(path for own in paths for path in own))
    of_file = dict(zip(files, _problems(files, on_bad_image == "skip", store), strict=True))
    problems = [next(filter(None, map(of_file.get, own)), None) for own in paths]
    bad = [(r.name, p) for r, p in zip(records, problems, strict=True) if p is not None]
    if bad and on_bad_image == "error":
        raise UserError(f"{_told(bad, len(records))}\n{_REMEDY}")
    if len(bad) > limit * len(records) or (bad and len(bad) == len(records)):
        raise UserError(
            f"{_told(bad, len(records))}\nThat is more than data.bad_image_limit={limit:g} lets "
            "pass: fix the files, or raise the limit"
        )
    if bad:
        log.warning("%s\nThey are left out (data.on_bad_image=skip)", _told(bad, len(records)))
    kept = [record for record, p in zip(records, problems, strict=True) if p is None]
    return kept, bad


def _told(bad: Sequence[tuple[str, str]], total: int) -> str:
    lines = [f"  {name}: {problem}" for name, problem in bad[:SHOWN]]
    if len(bad) > SHOWN:
        lines.append(f"  ... and {len(bad) - SHOWN} more")
    share = len(bad) / total
    return f"{len(bad)} of {total} images ({share:.1%}) cannot be used:\n" + "\n".join(lines)


def _problems(files: Sequence[Path], whole: bool, store: Path | None) -> list[str | None]:
    """Return what is wrong with each file by its header, or by the whole of it."""
    memo = store / ("decoded.jsonl" if whole else "headers.jsonl") if store else None
    check = decoding_problem if whole else header_problem
    names = [str(path.absolute()) for path in files]
    is_file = os.path.isfile
    there = [name for name in names if is_file(name) and os.access(name, os.R_OK)]
    looked_at: dict[str, str | None] = {}

    def look(file: BufferedReader) -> str:
        looked_at[file.name] = check(Path(file.name))
        return looked_at[file.name] or ""

    found = of_files(there, memo, look, "checking images" if whole else None)
    looked_at |= {name: None for name in found.keys() - looked_at.keys() if not found[name]}
    # A remembered problem is looked at again: a newer version may read the file.
    return [
        looked_at[name] if name in looked_at else check(path)
        for path, name in zip(files, names, strict=True)
    ]


@dataclass(kw_only=True)
class FileDataset(Dataset):
    """What datasets of files share; a subclass lists its records.

    Attributes:
        root: The folder of the images.
        image_size: The size that images are brought to later on; not used here.
        variations: What variations of an image may do; not used here.
        good: The class of good parts; not used here.
        bits: Of the range of 16-bit images, or `auto`; not used here.
        on_bad_image: `error`, or `skip` to leave bad images out.
        bad_image_limit: Share of bad images above which `skip` gives up.
        allow_outside_root: Admit links and paths that lead out of `root`.
        skipped: (name, problem) of the images that `records` left out.
        store: The folder that remembers which files are good; None: nothing is remembered.
    """

    root: str | None = None
    image_size: int | list[int] = 128
    variations: list[str] = field(default_factory=lambda: list(VARIATIONS))
    good: str | list[str] = "good"
    bits: int | str = "auto"
    on_bad_image: str = "error"
    bad_image_limit: float = 0.05
    allow_outside_root: bool = False
    skipped: list[tuple[str, str]] = field(init=False, default_factory=list)
    store: Path | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        check_variations(self.variations)
        one_of("data.on_bad_image", self.on_bad_image, ("error", "skip"))
        if not 0 <= self.bad_image_limit <= 1:
            raise UserError(
                f"data.bad_image_limit={self.bad_image_limit}: give a share from 0 to 1"
            )

    @abstractmethod
    def listed(self) -> list[Record]:
        """Return every record, readable or not, always in the same order."""

    def records(self) -> list[Record]:
        """Return the records whose files can be read; `skipped` then holds the others."""
        listed = self.listed()
        names: set[str] = set()
        for record in listed:
            if record.name in names:
                raise UserError(f"{record.name}: the image is listed twice; remove one")
            names.add(record.name)
            try:
                record.name.encode()
            except UnicodeEncodeError:
                name = record.name.encode(errors="backslashreplace").decode()
                raise UserError(f"{name}: the name is not valid UTF-8; rename the file") from None
        kept, self.skipped = usable(listed, self.on_bad_image, self.bad_image_limit, self.store)
        return kept

    def folder(self, holds: str) -> Path:
        """Return `root`, resolved; `holds` says in messages what it should hold."""
        if not self.root:
            raise UserError(f"set data.root=<folder> to the folder that holds {holds}")
        path = Path(self.root).expanduser()
        if not path.is_dir():
            what = "is not a folder" if path.exists() else "does not exist"
            raise UserError(f"data.root={self.root} {what}; give the folder that holds {holds}")
        return path.resolve()

    def entries(self, folder: Path, root: Path) -> list[os.DirEntry[str]]:
        """Return what lies in a folder, in natural order, without hidden names.

        Raises:
            UserError: It cannot be listed, or a link leads out of `root` and may not.
        """
        try:
            with os.scandir(folder) as scan:
                found = [entry for entry in scan if not entry.name.startswith(".")]
        except OSError as error:
            raise UserError(f"{folder}: the folder cannot be listed: {error.strerror}") from error
        for entry in found:
            if entry.is_symlink():
                self.check_inside(Path(entry.path), root)
        return sorted(found, key=lambda entry: natural(entry.name))

    def images(
        self, folder: Path, root: Path, suffixes: Collection[str] = (*SUFFIXES, *UNSUPPORTED)
    ) -> list[Path]:
        """Return what in a folder is named like an image.

        A folder named so is a bad image, and so is an image of a kind that is not supported: both
        are found here to be named later.
        """
        found = self.entries(folder, root)
        return [Path(e.path) for e in found if Path(e.name).suffix.lower() in suffixes]

    def check_inside(self, path: Path, root: Path) -> None:
        """Raise `UserError` where an existing path leads out of `root` and may not."""
        if self.allow_outside_root:
            return
        try:
            # Most images are no links, and many lie in one folder, which is resolved once.
            if path.name != ".." and not path.is_symlink():
                if _leads_into(path.parent, root):
                    return
                target = _resolved(path.parent) / path.name
            else:
                target = path.resolve(strict=True)
        except (OSError, RuntimeError):  # broken or circular: told as a bad image
            return
        if not target.is_relative_to(root):
            raise UserError(
                f"{path} leads to {target}, outside of {root}; move it there, or set "
                "data.allow_outside_root=true to admit it"
            )


@lru_cache(maxsize=1024)
def _resolved(folder: Path) -> Path:
    return folder.resolve(strict=True)


@lru_cache(maxsize=1024)
def _leads_into(folder: Path, root: Path) -> bool:
    return _resolved(folder).is_relative_to(root)


def one_of(key: str, value: str, choices: Collection[str]) -> None:
    """Raise `UserError` with the nearest names where a key has none of its values."""
    if value not in choices:
        raise UserError(f"{key}={value} is unknown; {nearest(value, choices)}")


def natural(name: str) -> tuple[list[tuple[bool, int, str]], str]:
    """Return a sorting key by which `part2` comes before `part10`."""
    pieces = re.findall(r"([0-9]+)|([^0-9]+)", one_form(name))
    return [(not digits, int(digits or 0), text) for digits, text in pieces], name
