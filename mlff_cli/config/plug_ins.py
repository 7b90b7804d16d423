"""What comes from outside this package: found here, and imported nowhere but in `plug_in_code`.

An installed package names its parts as entry points, and its YAML lies in a folder `configs` of
the package that the entry point leads into::

    [project.entry-points."mlff.methods"]
    nearest_class_mean = "mlff_nearest_class_mean.method:NearestClassMean"

    mlff_nearest_class_mean/configs/method/nearest_class_mean.yaml

In a folder of `--config-dir` a part is a file beside its YAML: method/own.py and method/own.yaml.
Metrics have no YAML. Nothing else counts: no file of a run names code.
"""

import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mlff_cli.errors import UserError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

METRIC = "metric"
ENTRY_POINTS = {
    "method": "mlff.methods",
    "fusion": "mlff.fusion",
    "head": "mlff.heads",
    "backbone": "mlff.backbones",
    "dataset": "mlff.datasets",
    METRIC: "mlff.metrics",
}
"""Kind of a part, which is the group of configs for it where it has some -> its entry points."""

SECTION = b"[mlff."
"""What the sections of such entry points begin with in a package's entry_points.txt."""

CONFIGS = "configs"
"""The folder of YAML in a package."""

NAME = re.compile(r"[a-zA-Z]\w*", re.ASCII)
DIGITS = 16
"""Of the hash of a file."""


class Source(NamedTuple):
    """A user's file, and what was in it when the command began."""

    file: Path
    content: bytes


@dataclass(frozen=True)
class PlugIn:
    """A part that is not shipped.

    Attributes:
        kind: A key of `ENTRY_POINTS`.
        name: By which a config names it.
        needs: What a run that was made with it needs: package and version, or file and hash.
        origin: Where it comes from, for a sentence.
        configs: The folder that its YAML lies in, in the folder of its kind.
        code: Where its code is.
    """

    kind: str
    name: str
    needs: str
    origin: str
    configs: Path | None
    code: "EntryPoint | Source"

    @property
    def yaml(self) -> Path | None:
        """Its YAML, whether or not it is there; None where its package is broken."""
        return self.configs / self.kind / f"{self.name}.yaml" if self.configs else None


class _Own(NamedTuple):
    folders: tuple[Path, ...] = ()
    plug_ins: tuple[PlugIn, ...] = ()


_NOTHING = _Own()
_own = ContextVar("what --config-dir gives", default=_NOTHING)


@contextmanager
def beside(folders: Sequence[Path]) -> Iterator[None]:
    """Let the files in folders that the user gave be plug-ins, while this lasts.

    They are read here: a file that is changed while a command works changes nothing of it.
    """
    files = [own for kind in ENTRY_POINTS for folder in folders for own in _files(folder, kind)]
    token = _own.set(_Own(tuple(folders), tuple(files)))
    try:
        yield
    finally:
        _own.reset(token)


def found(kind: str) -> list[PlugIn]:
    """Return the plug-ins of a kind, those of packages first; two may have the same name."""
    if kind not in ENTRY_POINTS:
        return []
    known = (*_installed(tuple(sys.path)), *_own.get().plug_ins)
    return [plug_in for plug_in in known if plug_in.kind == kind]


def plug_in(kind: str, name: str) -> PlugIn | None:
    """Return the plug-in of a kind and name; None where there is none.

    Raises:
        UserError: There are several.
    """
    named = [own for own in found(kind) if own.name == name]
    if len(named) > 1:
        origins = " and in ".join(own.origin for own in named)
        raise UserError(
            f"{kind}={name} is in {origins}; uninstall one of them, or rename the file of your own"
        )
    return named[0] if named else None


def package_folders() -> list[Path]:
    """Return the folders in which the YAML of packages lies."""
    configs = (own.configs for own in _installed(tuple(sys.path)))
    return list(dict.fromkeys(folder for folder in configs if folder))


def folders() -> list[Path]:
    """Return the folders in which YAML of plug-ins lies: of packages, then the user's own."""
    return [*package_folders(), *_own.get().folders]


@cache
def _installed(path: tuple[str, ...]) -> tuple[PlugIn, ...]:
    """Return what the packages on Python's path offer; nothing of them is imported."""
    if not any(map(_names_parts, path)):
        return ()
    from importlib.metadata import entry_points

    points = entry_points()
    return tuple(
        _of_package(kind, point)
        for kind, group in ENTRY_POINTS.items()
        for point in sorted(points.select(group=group), key=lambda point: point.name)
        if NAME.fullmatch(point.name)
    )


def _names_parts(place: str) -> bool:
    """Return whether a package in a folder of Python's path names parts for this program.

    Mostly none does: then a command is spared the import that reads entry points (30 ms).
    """
    try:
        infos = [entry.path for entry in os.scandir(place or ".") if entry.name.endswith("-info")]
    except OSError:
        return False  # an archive, or not there
    files = (Path(info, "entry_points.txt") for info in infos)
    return any(file.is_file() and SECTION in file.read_bytes() for file in files)


def _of_package(kind: str, point: "EntryPoint") -> PlugIn:
    name, version = (point.dist.name, point.dist.version) if point.dist else ("unknown", "0")
    needs, origin = f"{name}=={version}", f"the package {name} {version}"
    return PlugIn(kind, point.name, needs, origin, _configs(point.module), point)


def _configs(module: str) -> Path | None:
    """Return the folder of configs of the package that a module lies in."""
    from importlib.util import find_spec

    try:
        # Of the package alone: to find a module in it would import the package.
        spec = find_spec(module.partition(".")[0])
    except (ImportError, ValueError):
        return None
    places = spec.submodule_search_locations if spec else None
    folder = Path(next(iter(places))) / CONFIGS if places else None
    return folder if folder and folder.is_dir() else None


def _files(folder: Path, kind: str) -> Iterator[PlugIn]:
    """Yield the files of a kind in a user's folder: metrics, and others that have a YAML."""
    import hashlib

    for file in sorted((folder / kind).glob("*.py")):
        if not NAME.fullmatch(file.stem):
            continue
        if kind == METRIC or file.with_suffix(".yaml").is_file():
            source = Source(file, file.read_bytes())
            digest = hashlib.sha256(source.content).hexdigest()[:DIGITS]
            needs = f"{kind}/{file.name} sha256:{digest}"
            yield PlugIn(kind, file.stem, needs, str(file), folder, source)
