"""What may stand in place of the word being typed behind ``mlff``; imports nothing heavy."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from mlff_cli.cli.shells import SCRIPTS
from mlff_cli.cli.table import COMMANDS, Command, meant
from mlff_cli.cli.words import actions_of, is_bare
from mlff_cli.config.flags import KNOWN, SHOWN, VALUED, folders_in
from mlff_cli.config.keys import keys_of, values_of
from mlff_cli.config.schema import flatten
from mlff_cli.config.shipped import (
    SECTION_OF,
    choices,
    default_choices,
    groups,
    key_comments,
    shipped,
)

RUN_KEYS = ("run", "runs", "from")
"""Keys whose value is the folder of a run."""

FILES_OF_RUNS = {"predict": (".mlff", ".onnx"), "pack": (".mlff",)}
"""What stands in place of a run as well."""

ACTIONS = {"adapters": ("list", "remove", "diff")}
"""Bare words that stand first and are the value of no key of their own."""

LONGEST = 60
"""Letters of what is said of an offer."""


class Offer(NamedTuple):
    """A word in place of the one being typed.

    Attributes:
        text: All of it.
        about: What it is, in a few words.
        whole: Nothing further belongs to it.
    """

    text: str
    about: str = ""
    whole: bool = True


def offers(words: Sequence[str]) -> list[Offer]:
    """Return what may stand in place of the last of the words behind ``mlff``; [] for any path."""
    *typed, last = words
    found = _of_command(typed, last) if typed else _first(last)
    return [offer for offer in found if offer.text.startswith(last)]


def _first(last: str) -> Iterator[Offer]:
    """Yield what may stand right behind ``mlff``."""
    if last.startswith("-"):
        yield from map(Offer, ("--help", "--version"))
    yield from (Offer(name, command.about) for name, command in COMMANDS.items())


def _of_command(typed: Sequence[str], last: str) -> Iterator[Offer]:
    if typed[0] == "list" and len(typed) == 1:
        yield from map(Offer, groups())
    if typed[0] == "completion" and len(typed) == 1:
        yield from map(Offer, SCRIPTS)
    if typed[0] not in COMMANDS:
        return
    _, command, before = meant(typed)
    if command.config is not None:
        yield from _configured(typed[0], command, command.config, before, last)


def _configured(
    name: str, command: Command, config: str, before: list[str], last: str
) -> Iterator[Offer]:
    """Yield what may follow the words behind a command with a config."""
    from mlff_cli.cli.own_choices import without_own

    folders = folders_in(before)
    plain = without_own(before, folders)
    if before and (before[-1] in VALUED or before[-1].removeprefix("--") in command.keys_as_flags):
        yield from _flag_values(VALUED.get(before[-1], ""), config, "")
    elif last.startswith("-"):
        yield from _flags(command, config, last)
    elif not is_bare(last):
        yield from _values(config, plain, last, folders)
    elif command.action and not before:
        yield Offer(command.action)
        yield from (Offer(word, action.about) for word, action in command.actions.items())
    else:
        yield from _bare_words(name, command, before, last)
        yield from _keys(config, plain)


def _bare_words(name: str, command: Command, before: Sequence[str], last: str) -> Iterator[Offer]:
    """Yield actions and runs, where the command takes some at this place."""
    bare = list(_bare(before))
    if not before:
        yield from map(Offer, actions_of(command))
        yield from (Offer(word, action.about) for word, action in command.actions.items())
    if not bare:
        yield from map(Offer, ACTIONS.get(name, ()))
    if name == "runs":
        yield from (Offer(choice) for group in ("task", "method") for choice in choices(group))
    if _takes_run(name, command, bare):
        from mlff_cli.cli.run_folders import files, run_folders

        yield from map(Offer, files(last, FILES_OF_RUNS.get(name, ())))
        yield from (Offer(*run) for run in run_folders(last, before))


def _takes_run(name: str, command: Command, bare: Sequence[str]) -> bool:
    if name == "adapters":
        return len(bare) == 1 or (len(bare) == 2 and bare[0] == "diff")
    return command.positional == "runs" or (
        not bare and (command.positional == "run" or name in ("predict", "adapt"))
    )


def _bare(words: Sequence[str]) -> Iterator[str]:
    """Yield the words that are no overrides, no flags and no values of flags."""
    for previous, word in zip(["", *words], words, strict=False):
        if previous not in VALUED and not word.startswith("-") and is_bare(word):
            yield word


def _keys(config: str, words: Sequence[str]) -> Iterator[Offer]:
    """Yield groups and keys; what a key is stands in the file that has it."""
    comments = key_comments(config)
    made = default_choices(config)
    for key in keys_of(config, words):
        about = f"group, default {made[key]}" if key in made else comments.get(key, "")
        yield Offer(f"{key}=", _short(about), whole=False)


def _flags(command: Command, config: str, last: str) -> Iterator[Offer]:
    name, equals, _ = last.partition("=")
    if equals:
        yield from _flag_values(VALUED.get(name, ""), config, f"{name}=")
        return
    yield from map(Offer, KNOWN)
    yield from (Offer(f"--{key}") for key in command.keys_as_flags)


def _flag_values(flag: str, config: str, head: str) -> Iterator[Offer]:
    values: Iterable[str] = ()
    if flag == "--cfg":
        values = SHOWN
    elif flag == "--package":
        sections = (SECTION_OF.get(group, group) for group in default_choices(config))
        values = sorted({*sections, *(key.split(".")[0] for key, _ in flatten(shipped(config)))})
    yield from (Offer(f"{head}{value}") for value in values)


def _values(config: str, words: list[str], last: str, folders: Sequence[Path]) -> Iterator[Offer]:
    """Yield what the key in the last word may be set to, with the key before it."""
    from mlff_cli.cli.own_choices import own_choices

    key, _, value = last.partition("=")
    # Of a list, or of several values, the last one is being typed.
    start = max(value.rfind(","), value.rfind("[")) + 1
    head = f"{key}={value[:start]}"
    if key in groups():
        known = {**choices(key), **own_choices(key, folders)}
        yield from (Offer(f"{head}{name}", _short(about)) for name, about in known.items())
    elif key in RUN_KEYS and key in keys_of(config, words):
        from mlff_cli.cli.run_folders import run_folders

        for path, about, whole in run_folders(value[start:], words):
            yield Offer(f"{head}{path}", about, whole and key != "runs")
    elif values := values_of(config, words).get(key):
        yield from (Offer(f"{head}{word}", "", not values.several) for word in values.written)
        if not values.words:
            yield from _null(head, values.nullable)
    elif isinstance(keys_of(config, words).get(key), bool):
        yield from (Offer(f"{head}{word}") for word in ("true", "false"))


def _null(head: str, nullable: bool) -> Iterator[Offer]:
    if nullable:
        yield Offer(f"{head}null")


def _short(about: str) -> str:
    first = about.partition(";")[0]
    return first if len(first) <= LONGEST else f"{first[: LONGEST - 3]}..."
