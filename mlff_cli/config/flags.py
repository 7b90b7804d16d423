"""The few flags that a command takes beside its overrides."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from mlff_cli.errors import UserError, nearest

SHOWN = ("job", "hydra", "all")
"""What ``--cfg`` can show: the command's config, Hydra's own, or both."""

VALUED = {"--cfg": "--cfg", "-c": "--cfg", "--package": "--package", "-p": "--package",
          "--config-dir": "--config-dir", "-cd": "--config-dir"}  # fmt: skip
"""Flags that a value follows, under each of their names."""

KNOWN = (*dict.fromkeys(VALUED.values()), "--resolve", "--help", "--debug")


@dataclass(frozen=True)
class Flags:
    """What the flags of a command line ask for.

    Attributes:
        show: Print this part of the config and run nothing; None: run.
        package: Print a section of it alone.
        resolve: Print references filled in.
        folders: The user's own folders of configs, absolute.
    """

    show: str | None = None
    package: str | None = None
    resolve: bool = False
    folders: tuple[Path, ...] = ()


def parse(words: Sequence[str], keys: Sequence[str] = ()) -> tuple[Flags, list[str]]:
    """Return what the flags ask for, and the words that are no flags.

    Args:
        words: Behind the command.
        keys: Those of its config that may be typed as flags; they are returned as words.

    Raises:
        UserError: A flag that does not exist, or whose value is missing or wrong.
    """
    given, others = _sorted(words, keys)
    flags = Flags(
        show=given.get("--cfg", [None])[-1],
        package=given.get("--package", [None])[-1],
        resolve="--resolve" in given,
        folders=tuple(_folder(path) for path in given.get("--config-dir", [])),
    )
    _check(flags)
    return flags, others


def folders_in(words: Sequence[str]) -> tuple[Path, ...]:
    """Return the user's own folders of configs among the words of a line, finished or not."""
    places = [
        value if equals else following
        for word, following in zip(words, [*words[1:], ""], strict=False)
        for name, equals, value in [word.partition("=")]
        if VALUED.get(name) == "--config-dir"
    ]
    found = (Path(place).expanduser().absolute() for place in places if place)
    return tuple(folder for folder in found if folder.is_dir())


def _sorted(words: Sequence[str], keys: Sequence[str]) -> tuple[dict[str, list[str]], list[str]]:
    """Return the values of each flag by its long name, and the words that are no flags."""
    given: dict[str, list[str]] = {}
    others: list[str] = []
    rest = iter(words)
    for word in rest:
        name, equals, value = word.partition("=")
        if not word.startswith("-"):
            others.append(word)
        elif name in VALUED:
            given.setdefault(VALUED[name], []).append(value if equals else _next(rest, name))
        elif name.removeprefix("--") in keys:
            others.append(_as_key(name, value if equals else _next(rest, name)))
        elif word == "--resolve":
            given[word] = []
        else:
            _refuse(name, keys)
    return given, others


def _next(rest: Iterator[str], name: str) -> str:
    value = next(rest, None)
    if value is None:
        raise UserError(f"{name} needs a value: {name} <value>")
    return value


def _as_key(name: str, value: str) -> str:
    from mlff_cli.config.overrides import text_value

    if not value:
        raise UserError(f"{name} needs a value: {name} <value>")
    return f"{name.removeprefix('--')}={text_value(value)}"


def _folder(path: str) -> Path:
    folder = Path(path).expanduser().absolute()
    if not folder.is_dir():
        raise UserError(f"--config-dir: {path}: there is no such folder")
    return folder


def _check(flags: Flags) -> None:
    if flags.show is None and (flags.resolve or flags.package):
        raise UserError("--resolve and --package go with --cfg: --cfg job --resolve")
    if flags.show is not None and flags.show not in SHOWN:
        raise UserError(f"--cfg: there is no '{flags.show}'; {nearest(flags.show, SHOWN)}")


def _refuse(name: str, keys: Sequence[str]) -> NoReturn:
    if name in ("-m", "--multirun"):
        raise UserError("several runs at once are for mlff sweep, which needs no --multirun")
    known = (*KNOWN, *(f"--{key}" for key in keys))
    raise UserError(
        f"there is no flag '{name}'; {nearest(name, known)} (keys have no dashes: "
        f"{name.lstrip('-')}=...)"
    )
