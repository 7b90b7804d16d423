"""The door: from the words of a command line to the command, and its exit code.

Imports nothing heavy.
"""

import os
import sys
import traceback
from typing import TYPE_CHECKING

from mlff_cli.cli.table import COMMANDS, Command, meant
from mlff_cli.errors import UserError, nearest
from mlff_cli.system import garbage, streams
from mlff_cli.system.failures import explained
from mlff_cli.system.interruption import Terminated, interruptible
from mlff_cli.system.leaving import Leaving

if TYPE_CHECKING:
    from mlff_cli.config.flags import Flags

HELP = {"-h", "--help"}

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
  mlff predict runs/<task>/<run> new/          what new images show, and what to do
  mlff train from=runs/<task>/<run> task=custom data.root=<folder>    a further product on top
  mlff train --help                            groups, choices and keys
  mlff train task=surface_defect --cfg job     the whole configuration; nothing is run

--debug shows the traceback of an error.
"""


def usage() -> str:
    """Return the help of the whole program."""
    width = max(map(len, COMMANDS)) + 2
    lines = (f"  {name:<{width}}{command.about}" for name, command in COMMANDS.items())
    return USAGE.format(commands="\n".join(lines))


def main(arguments: list[str] | None = None) -> None:
    """Run one command and leave with its exit code.

    0 done, 1 failed, 2 failed and the user can fix it, 130 Ctrl-C, 143 SIGTERM, 141 no reader.
    """
    # torch's OpenMP threads spin while they wait and starve every other process of a small
    # machine; the setting counts only if it stands before torch is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    garbage.while_importing()
    leaving = Leaving() if arguments is None else None
    streams.prepare()
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
    if leaving is not None:
        garbage.at_the_end()
        leaving.code = code
    sys.exit(code)


def _said(error: Exception | KeyboardInterrupt) -> tuple[str, int]:
    """Return what to say about an error, and the exit code."""
    if isinstance(error, KeyboardInterrupt):
        word, code = ("terminated", 143) if isinstance(error, Terminated) else ("interrupted", 130)
        return f"{word}; {str(error) or 'the same command resumes the run'}", code
    return explained(error)


def dispatch(words: list[str]) -> int:
    """Carry out ``<command> <arguments>`` and return its exit code."""
    if not words or words[0] in (*HELP, "help"):
        print(usage(), end="")
        return 0
    if words[0] in ("-V", "--version"):
        from mlff_cli import __version__

        print(f"mlff {__version__}")
        return 0
    if words[0] not in COMMANDS:
        raise UserError(f"there is no command '{words[0]}'; {nearest(words[0], COMMANDS)}")
    name, command, rest = meant(words)
    if command.config is None:
        return int(command.load().main(rest))
    if HELP & set(rest):
        from mlff_cli.cli.help import text
        from mlff_cli.config.flags import folders_in
        from mlff_cli.config.plug_ins import beside

        with beside(folders_in(rest)):
            print(text(name, command))
        return 0
    return configured(name, command, command.config, rest)


def configured(name: str, command: Command, config: str, words: list[str]) -> int:
    """Compose a command's config, and run the command with it or show it."""
    from mlff_cli.config import flags as command_flags
    from mlff_cli.config.plug_ins import beside

    flags, others = command_flags.parse(words, command.keys_as_flags)
    with beside(flags.folders):
        return _carried_out(name, command, config, flags, others)


def _carried_out(
    name: str, command: Command, config: str, flags: "Flags", others: list[str]
) -> int:
    from mlff_cli.cli.words import overrides
    from mlff_cli.config.composition import compose_config, shown_config
    from mlff_cli.config.overrides import readable
    from mlff_cli.sweeps.plan import first_words

    given = overrides(name, command, others)
    if command.sweeps and flags.show is None:
        return int(command.load().run(given, flags.folders))
    if flags.show is not None:
        if command.sweeps:
            given = first_words(given, flags.folders)
        print(shown_config(config, readable(given, several=False), flags), end="")
        return 0
    composed = compose_config(config, given, flags.folders)
    module = command.load()
    garbage.while_working()
    return int(module.run(composed))
