"""What ``mlff <command> --help`` and ``mlff list`` print, read from the shipped configs."""

import json
import textwrap
from typing import Any

from mlff_cli.cli.table import Command
from mlff_cli.config.schema import flatten
from mlff_cli.config.shipped import (
    SECTION_OF,
    choices,
    configs_folder,
    default_choices,
    key_comments,
    key_values,
    left_out,
    shipped,
)

WIDTH = 100
NO_BREAK = "\u00a0"


def text(name: str, command: Command) -> str:
    """Return the help of a command: its groups with their choices, its keys, the flags."""
    config = command.config or name
    source = (configs_folder() / f"{config}.yaml").read_text(encoding="utf-8")
    about = command.details or source.splitlines()[0].strip("# ")
    lines = [f"usage: mlff {name} {command.usage}", "", about]
    for word, action in command.actions.items():
        lines += ["", f"mlff {name} {word}: {action.about}", f"(mlff {name} {word} --help)"]
    offered = {
        group: [f"{name}*" if name == default else name for name in choices(group)]
        for group, default in default_choices(config).items()
        if len(choices(group)) > 1
    }
    lines += ["", "groups and their choices (* the default):"] if offered else []
    for group, names in offered.items():
        lines += _hanging(f"  {group}=", 14, " | ".join(names))
    lines += ["", "keys of this command and their defaults:"]
    lines += keys_and_comments(config, "")
    lines += [
        "",
        "mlff list <group> describes a group's choices and their keys (method.epochs=...).",
        "--cfg job prints the whole configuration and runs nothing (--resolve fills references in,",
        "--package <section> prints a part), --config-dir <folder> adds choices of your own,",
        "--debug shows the traceback of an error.",
    ]
    return "\n".join(lines)


def described_choices(group: str) -> str:
    """Return the choices of a group, what each is, and the keys that come with it."""
    default = default_choices("train")[group]
    prefix = SECTION_OF.get(group, "")
    lines: list[str] = []
    for name, about in choices(group).items():
        lines += [name + (" (the default)" if name == default else "")]
        lines += textwrap.wrap(about, WIDTH, initial_indent="  ", subsequent_indent="  ")
        if prefix:
            lines += keys_and_comments(f"{group}/{name}", f"{prefix}.")
        lines.append("")
    for name, problem in left_out(group).items():
        lines += [*textwrap.wrap(f"left out: {name}: {problem}", WIDTH), ""]
    return "\n".join(lines[:-1]) if lines else f"no {group} is shipped; --config-dir adds your own"


def keys_and_comments(path: str, prefix: str) -> list[str]:
    """Return a line for each key of a shipped file: its default, its comment, its values."""
    keys = {key: value for key, value in flatten(shipped(path)) if key != "name"}
    comments, values = key_comments(path), key_values(path)
    shown = {key: f"    {prefix}{key}={written(value)}" for key, value in keys.items()}
    width = min(max(map(len, shown.values()), default=0), 38) + 2
    lines: list[str] = []
    for key, line in shown.items():
        known = values[key].said if key in values else ""
        lines += _hanging(line, width, f"{comments.get(key, '')} {_together(known)}".strip())
    return lines


def _together(known: str) -> str:
    """Return values in brackets, such that they stay on one line."""
    return f"[{known}]".replace(" ", NO_BREAK) if known else ""


def written(value: Any) -> str:
    """Return a value as a user would write it on the command line."""
    if isinstance(value, str):
        return "..." if value == "???" else value or '""'
    if isinstance(value, list):
        return f"[{','.join(map(str, value))}]"
    return json.dumps(value)


def _hanging(head: str, width: int, body: str) -> list[str]:
    """Return head and body side by side, the body wrapped at its own left edge."""
    wrapped = [line.replace(NO_BREAK, " ") for line in textwrap.wrap(body, WIDTH - width)] or [""]
    if len(head) >= width:
        wrapped.insert(0, "")
    return [f"{head:<{width}}{wrapped[0]}".rstrip(), *(" " * width + line for line in wrapped[1:])]
