"""The table of commands: what each is for, how it is typed, and the module that it loads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any


@dataclass(frozen=True)
class Command:
    """A command of ``mlff``.

    Attributes:
        about: Its line in the help of the whole program.
        module: What is imported to carry it out, and nothing of it before.
        config: ``configs/<config>.yaml`` is what its overrides change; None: it takes plain words.
        usage: What may follow it.
        details: What its own help begins with; "": the comment that its config begins with.
        action: The word that must follow it.
        positional: The key that takes its bare words, folders or an action.
        several: Whether there may be several bare words.
        sweeps: Whether a key may have several values.
        keys_as_flags: Keys that may be typed as flags too: `--watch new` for `watch=new`.
        actions: Words that, right behind it, make another command of it with a config of its own.
    """

    about: str
    module: str
    config: str | None
    usage: str
    details: str = ""
    action: str = ""
    positional: str = ""
    several: bool = False
    sweeps: bool = False
    keys_as_flags: tuple[str, ...] = ()
    actions: Mapping[str, "Command"] = field(default_factory=dict)

    def load(self) -> Any:
        """Return the module: with `run` where there is a config, else with `main`."""
        return import_module(self.module)


COMMANDS = {
    "train": Command(
        "learn a task's products one after another; score every earlier one after each",
        "mlff_cli.commands.train",
        "train",
        "[group=choice] [key=value] ...",
    ),
    "evaluate": Command(
        "score a finished run again, on its own or on other images; never trains",
        "mlff_cli.commands.evaluate",
        "evaluate",
        "<run folder> [dataset=choice] [key=value] ...",
        positional="run",
    ),
    "predict": Command(
        "say what images show, with a run or bundle: mlff predict <run> new/*.png",
        "mlff_cli.commands.predict",
        "predict",
        "<run, bundle or .onnx> <file, folder, pattern or list.csv> ... [--watch <folder>]",
        positional="words",
        several=True,
        keys_as_flags=("watch",),
    ),
    "adapt": Command(
        "make a candidate of a run for another product or batch, without labels",
        "mlff_cli.commands.adapt",
        "adapt",
        "<run folder> <images> ... [product=name] [key=value]",
        positional="words",
        several=True,
    ),
    "adapters": Command(
        "list what a run learned, take a product out, compare two runs image by image",
        "mlff_cli.commands.adapters",
        "adapters",
        "list|remove|diff <run folder> [<run folder>] [<images> ...] [key=value]",
        positional="words",
        several=True,
    ),
    "pack": Command(
        "pack a run into one file to be shipped, or what changed since: mlff pack <run>",
        "mlff_cli.commands.pack",
        "pack",
        "<run folder> [output=line.mlff] [since=old.mlff] | <old.mlff> apply=new.delta [key=value]",
        positional="run",
    ),
    "export": Command(
        "make one file of a run that answers without mlff: mlff export <run> output=line.onnx",
        "mlff_cli.commands.export",
        "export",
        "<run folder> output=<file> [key=value] ...",
        positional="run",
    ),
    "verify": Command(
        "check a finished run: hashes, backbone, config, data, and its scores once more",
        "mlff_cli.commands.verify",
        "verify",
        "<run folder> [key=value] ...",
        positional="run",
    ),
    "sweep": Command(
        "train every combination of the values given; end in one table",
        "mlff_cli.commands.sweep",
        "train",
        "[group=choice,choice] [key=value,value] ...",
        "One run for every combination of the values given; one table over them.\n"
        "Finished runs are not repeated, and a run that fails does not take the others with it.",
        sweeps=True,
    ),
    "report": Command(
        "write tables and plots of runs again from what they saved; compare several",
        "mlff_cli.commands.report",
        "report",
        "<run folder> ... [key=value]",
        positional="runs",
        several=True,
    ),
    "runs": Command(
        "list the runs there are, newest first: mlff runs surface_defect mlff",
        "mlff_cli.commands.runs",
        "runs",
        "[word] ... [key=value]",
        positional="words",
        several=True,
    ),
    "data": Command(
        "check a task's images: counts, floors, copies, and whether the backbone fits",
        "mlff_cli.commands.data",
        "check",
        "check [group=choice] [key=value] ...",
        "What images a task has: counts, class balance, trivial floors, unreadable files, copies\n"
        "between train and test, and which installed backbone tells the classes apart best; ends\n"
        "with exit code 1 when the check fails.",
        action="check",
        actions={
            "suggest": Command(
                "which images to label next: a list to be filled in, and a sheet",
                "mlff_cli.commands.suggest",
                "suggest",
                "<images> ... [budget=20] [labelled=list.csv] [run=<run>] [key=value]",
                positional="words",
                several=True,
            )
        },
    ),
    "features": Command(
        "list, verify or prune the stored features, or extract a share of a task's",
        "mlff_cli.commands.features",
        "features",
        "[list|verify|prune] [key=value] ... | extract ...",
        positional="action",
        actions={
            "extract": Command(
                "compute and store what mlff train reads, all of it or one machine's share",
                "mlff_cli.commands.extract",
                "extract",
                "[shard=i/N] [group=choice] [key=value] ...",
            )
        },
    ),
    "list": Command(
        "describe the choices of a group and their keys: mlff list backbone",
        "mlff_cli.cli.listing",
        None,
        "<group>",
    ),
    "completion": Command(
        'let the Tab key complete all this: eval "$(mlff completion bash)"',
        "mlff_cli.cli.completion",
        None,
        "bash|zsh|fish",
    ),
}


def meant(words: Sequence[str]) -> tuple[str, Command, list[str]]:
    """Return the command that words begin with, by its full name, and the words behind it.

    Raises:
        KeyError: There is none of that name.
    """
    name, *rest = words
    command = COMMANDS[name]
    if rest and rest[0] in command.actions:
        return f"{name} {rest[0]}", command.actions[rest[0]], rest[1:]
    return name, command, rest


def every_command() -> dict[str, Command]:
    """Return all commands by their full names, those that an action makes behind the others."""
    own = [
        (f"{name} {word}", c.actions[word]) for name, c in COMMANDS.items() for word in c.actions
    ]
    return COMMANDS | dict(own)
