"""The images that somebody asks about: files, folders, patterns and lists."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from glob import glob, has_magic
from pathlib import Path

from mlff_cli.data.columns import column_of
from mlff_cli.data.files import natural
from mlff_cli.data.manifest import read_manifest
from mlff_cli.data.modalities import by_part
from mlff_cli.errors import UserError
from mlff_cli.images.decoding import SUFFIXES, UNSUPPORTED
from mlff_cli.images.given import GivenImage

LISTS = (".csv", ".tsv")


@dataclass(frozen=True)
class PartFiles:
    """The images of one part that somebody asks about.

    Attributes:
        files: Modality and file of each that is there, one at least.
    """

    files: tuple[tuple[str, Path], ...]


One = Path | GivenImage
"""An image that somebody asks about: a file, or an image in memory."""

Asked = One | PartFiles
"""An image, or several of one part."""


def file_of(asked: Asked) -> One:
    """Return the image by which what was asked is named: of several of a part the first."""
    return asked.files[0][1] if isinstance(asked, PartFiles) else asked


def is_a_list(word: str) -> bool:
    """Return whether a word stands for the images that a CSV file names."""
    return Path(word).suffix.lower() in LISTS


def asked(words: Sequence[str], modalities: Sequence[str]) -> list[Asked]:
    """Return the images that words stand for; with modalities those of each part together.

    The images of a part are told by their names, as in a data set of folders: `x.png` and
    `x_thermal.png`; in a CSV file by the columns `path` and `path_thermal`. Some may be missing.

    Raises:
        UserError: As `asked_images`, or an image is of none of the modalities.
    """
    if not modalities:
        return list(asked_images(words))
    parts: list[Asked] = []
    for word in filter(is_a_list, words):
        parts += _listed_parts(Path(word).expanduser(), modalities)
    paths = asked_images([word for word in words if not is_a_list(word)])
    for own in by_part(paths, modalities).values():
        strange = [path for name, path in own.items() if name not in modalities]
        if strange:
            ends = ", ".join(f"_{name}" for name in modalities)
            raise UserError(
                f"{strange[0]}: this run reads {', '.join(modalities)}; name files so that they "
                f"end in {ends}, or list them in a CSV file with the columns "
                f"{', '.join(map(column_of, modalities))}"
            )
        parts.append(_part(own, modalities))
    return parts


def _part(files: Mapping[str, Path], modalities: Sequence[str]) -> PartFiles:
    return PartFiles(tuple((name, files[name]) for name in modalities if name in files))


def _listed_parts(file: Path, modalities: Sequence[str]) -> list[PartFiles]:
    columns = {name: column_of(name) for name in modalities}
    manifest = read_manifest(file, must_have=next(iter(columns.values())))
    there = {name: column for name, column in columns.items() if column in manifest.columns}
    if not there:
        raise UserError(
            f"{file}, line 1: there is no column {' or '.join(columns.values())}; name the "
            "images' columns so"
        )
    parts = []
    for line, cells in manifest.rows:
        files = {
            name: file.parent / cells[column].replace("\\", "/")
            for name, column in there.items()
            if cells[column]
        }
        if not files:
            raise UserError(
                f"{file}, line {line}: no image is named in {', '.join(there.values())}"
            )
        parts.append(_part(files, modalities))
    return parts


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
