"""The images that somebody asks about: files, folders, patterns and lists."""

from collections.abc import Iterator, Sequence
from glob import glob, has_magic
from pathlib import Path

from mlff_cli.data.files import natural
from mlff_cli.data.manifest import read_manifest
from mlff_cli.errors import UserError
from mlff_cli.images.decoding import SUFFIXES, UNSUPPORTED

LISTS = (".csv", ".tsv")


def asked_images(words: Sequence[str]) -> list[Path]:
    """Return the files that words stand for, in their order, each once.

    A folder stands for all images below it in natural order, those of kinds that cannot be read
    among them: they are to be told. A pattern (`*.png`) stands for what it finds, a CSV file for
    its column `path`, relative to the list itself. Any other word is a file, there or not.

    Raises:
        UserError: A folder or pattern holds no image, or a list cannot be read.
    """
    return list(dict.fromkeys(path for word in words for path in _of_word(word)))


def is_named_like_an_image(name: str) -> bool:
    """Return whether a file in a folder is taken for an image: by its ending, hidden ones not."""
    return not name.startswith(".") and Path(name).suffix.lower() in {*SUFFIXES, *UNSUPPORTED}


def _of_word(word: str) -> Iterator[Path]:
    path = Path(word).expanduser()
    if path.is_dir():
        yield from _or_refuse(_below(path), f"{word}: no image lies in this folder")
    elif path.suffix.lower() in LISTS:
        yield from _listed(path)
    elif has_magic(word) and not path.exists():
        found = sorted(glob(str(path), recursive=True), key=natural)  # noqa: PTH207 - takes ~ and /
        files = [Path(name) for name in found if Path(name).is_file()]
        yield from _or_refuse(files, f"{word}: the pattern finds no file")
    else:
        yield path


def _listed(file: Path) -> list[Path]:
    manifest = read_manifest(file, must_have="path")
    if "path" not in manifest.columns:
        raise UserError(f"{file}, line 1: there is no column 'path'; name the images' column so")
    return [file.parent / cells["path"].replace("\\", "/") for _, cells in manifest.rows]


def _below(folder: Path) -> list[Path]:
    """Return every file below a folder that is named like an image, hidden ones left out."""
    found = [
        path
        for path in folder.rglob("*")
        if is_named_like_an_image(path.name)
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and path.is_file()
    ]
    return sorted(found, key=lambda path: natural(path.as_posix()))


def _or_refuse(paths: list[Path], refusal: str) -> list[Path]:
    if not paths:
        raise UserError(
            f"{refusal}; give files, folders, patterns or a CSV file with a column path"
        )
    return paths
