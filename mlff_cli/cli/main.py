"""The commands and their help; imports nothing heavy."""

import os
import sys
import traceback
from importlib import import_module

from mlff_cli.errors import UserError, nearest
from mlff_cli.system import garbage
from mlff_cli.system.failures import explained
from mlff_cli.system.interruption import Terminated, interruptible

COMMANDS = {
    "train": "learn a task's products one after another; score every earlier one after each",
    "evaluate": "score a finished run again, on its own or on other images; never trains",
    "verify": "check a finished run: hashes, backbone, config, data, and its scores once more",
    "sweep": "train every combination of the values given; end in one table",
    "report": "write tables and plots of runs again from what they saved; compare several",
    "data": "check a task's images: counts, floors, and copies between train and test",
    "features": "list, verify or prune the stored features: mlff features prune",
    "list": "describe the choices of a group and their keys: mlff list backbone",
    "completion": 'let the Tab key complete all this: eval "$(mlff completion bash)"',
}
PLAIN = {"list": "mlff_cli.cli.listing", "completion": "mlff_cli.cli.completion"}
"""Commands that take words instead of Hydra's overrides, and their modules."""
POSITIONAL = {"evaluate": "run", "verify": "run", "report": "runs", "features": "action"}
"""Commands that take folders, or an action, as bare words, and the key for them."""

USAGE = """\
Continual learning for visual quality inspection by multi-level feature fusion.

usage: mlff <command> [group=choice] [key=value] ...

commands:
{commands}

try:
  mlff train task=surface_defect               the first table: drawn images, no download
  mlff train task=custom data.root=<folder>    your own: <folder>/<product>/<class>/<image>
  mlff sweep task=surface_defect method=mlff,finetune seed=0,1,2
  mlff evaluate runs/<task>/<run>              the scores again, from what was trained
  mlff train --help                            groups, choices and keys
  mlff train task=surface_defect --cfg job     the whole configuration; nothing is run

--debug shows the traceback of an error.
"""


def usage() -> str:
    """Return the help of the whole program."""
    width = max(map(len, COMMANDS)) + 2
    lines = (f"  {name:<{width}}{text}" for name, text in COMMANDS.items())
    return USAGE.format(commands="\n".join(lines))


def main(arguments: list[str] | None = None) -> None:
    """Run one command and leave with its exit code.

    0 done, 1 failed, 2 failed and the user can mend it, 130 Ctrl-C, 143 SIGTERM, 141 no reader.
    """
    # torch's OpenMP threads spin while they wait and starve every other process of a small
    # machine; the setting counts only if it stands before torch is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    garbage.while_importing()
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    try:
        with interruptible():
            code = dispatch(words)
            sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read the output has left: `mlff list backbone | head -1`.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 141
    except (Exception, KeyboardInterrupt) as error:
        if debug:
            traceback.print_exc()
        message, code = _said(error)
        print(f"mlff: {message}", file=sys.stderr)
    garbage.at_the_end()
    sys.exit(code)


def _said(error: Exception | KeyboardInterrupt) -> tuple[str, int]:
    """Return what to say about an error, and the exit code."""
    if isinstance(error, UserError):
        return str(error), 2
    if isinstance(error, KeyboardInterrupt):
        word, code = ("terminated", 143) if isinstance(error, Terminated) else ("interrupted", 130)
        return f"{word}; the same command takes the run up again", code
    return explained(error)


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
        code: int = import_module(PLAIN[command]).main(rest)
        return code
    if {"-h", "--help"} & set(rest):
        print(import_module("mlff_cli.cli.help").text(command))
        return 0
    if command in POSITIONAL:
        rest = _with_positional(POSITIONAL[command], rest)
    if command == "data":
        rest = _without_check(rest)
    from mlff_cli.config.composition import run_command

    return run_command(command, rest)


def _without_check(words: list[str]) -> list[str]:
    """Return the overrides behind ``mlff data check``."""
    if words[:1] != ["check"]:
        raise UserError("mlff data has one action: mlff data check task=...")
    return words[1:]


def _with_positional(key: str, words: list[str]) -> list[str]:
    """Turn bare folder arguments into Hydra's ``key=[...]``, quoted against its grammar."""
    from mlff_cli.config.overrides import text_value, told_apart

    flags, others = told_apart(words)
    folders = [word for word in others if _is_bare(word)]
    others = [word for word in others if not _is_bare(word)]
    if not folders:
        return [*flags, *others]
    quoted = [text_value(folder) for folder in folders]
    if key in ("run", "action"):
        if len(folders) > 1:
            wanted = "run folder" if key == "run" else key
            raise UserError(f"this command takes one {wanted}, not {len(folders)}")
        return [*flags, f"{key}={quoted[0]}", *others]
    return [*flags, f"{key}=[{','.join(quoted)}]", *others]


def _is_bare(word: str) -> bool:
    """Whether a word is a folder and no ``key=value``: folders may have "=" in their names."""
    return "=" not in word.partition("/")[0] or os.path.isdir(word)  # noqa: PTH112 pathlib is slower
