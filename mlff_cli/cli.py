"""The commands and their help; imports nothing heavy."""

import os
import sys
from importlib import import_module

from mlff_cli.errors import UserError, nearest

COMMANDS = {
    "train": "learn a task's experiences one after another, score every earlier one after each",
    "evaluate": "score a finished run again from its adapters, on its own or on other images",
    "sweep": "train every combination of the values given, end in one table",
    "report": "write tables and plots again from saved score matrices",
    "list": "show the choices of a group: mlff list backbone",
}
PLAIN = ("list",)
"""Commands that take words instead of Hydra's overrides."""
POSITIONAL = {"evaluate": "run", "report": "runs"}
"""Commands whose bare arguments are folders, and the key that takes them."""

USAGE = """\
Continual learning for visual quality inspection by multi-level feature fusion.

usage: mlff <command> [group=choice] [key=value] ...

commands:
{commands}

try:
  mlff train task=surface_defect                       the first table, no download
  mlff train task=custom data.root=<product/class>     your own images
  mlff sweep task=surface_defect method=mlff,finetune seed=0,1,2
  mlff train --help                                    groups, choices and keys
  mlff train task=surface_defect --cfg job             the whole configuration, nothing run

--debug shows the traceback of an error.
"""


def usage() -> str:
    """Return the help of the whole program."""
    width = max(map(len, COMMANDS)) + 2
    lines = (f"  {name:<{width}}{text}" for name, text in COMMANDS.items())
    return USAGE.format(commands="\n".join(lines))


def main(arguments: list[str] | None = None) -> None:
    """Run one command and leave with its exit code: 0, 1 failed, 2 mendable, 130 interrupted."""
    # torch's OpenMP threads spin while they wait and starve every other process of a small
    # machine; the setting counts only if it stands before torch is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    try:
        sys.exit(dispatch(words))
    except UserError as error:
        if debug:
            raise
        print(f"mlff: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        if debug:
            raise
        print("mlff: interrupted; the same command takes the run up again", file=sys.stderr)
        sys.exit(130)


def dispatch(words: list[str]) -> int:
    """Carry out ``<command> <arguments>`` and return its exit code."""
    if not words or words[0] in ("-h", "--help", "help"):
        print(usage(), end="")
        return 0
    if words[0] in ("-V", "--version"):
        from mlff_cli import __version__

        print(f"mlff {__version__}")
        return 0
    command, rest = words[0], words[1:]
    if command not in COMMANDS:
        raise UserError(f"there is no command '{command}'; {nearest(command, COMMANDS)}")
    if command in PLAIN:
        code: int = import_module(f"mlff_cli.commands.{command}").main(rest)
        return code
    if {"-h", "--help"} & set(rest):
        print(import_module("mlff_cli.command_help").text(command))
        return 0
    if command in POSITIONAL:
        rest = _with_positional(POSITIONAL[command], rest)
    from mlff_cli.composition import run_command

    return run_command(command, rest)


def _with_positional(key: str, words: list[str]) -> list[str]:
    """Turn bare folder arguments into Hydra's ``key=[...]``, quoted against its grammar."""
    takes_value = False
    folders: list[str] = []
    others: list[str] = []
    for word in words:
        bare = not word.startswith("-") and "=" not in word.split("/")[0] and not takes_value
        (folders if bare else others).append(word)
        takes_value = word in ("--cfg", "-c", "--config-dir", "-cd", "--package", "-p", "--info")
    if not folders:
        return others
    quoted = ['"{}"'.format(folder.replace("\\", "\\\\").replace('"', '\\"')) for folder in folders]
    if key == "run":
        if len(folders) > 1:
            raise UserError(f"evaluate takes one run folder, not {len(folders)}")
        return [f"run={quoted[0]}", *others]
    return [f"{key}=[{','.join(quoted)}]", *others]
