"""What ``mlff <command> --help`` and ``mlff list`` print, read from the shipped configs."""

import json
import textwrap
from collections.abc import Mapping
from typing import Any

from mlff_cli.config.schema import flatten
from mlff_cli.config.shipped import (
    SECTION_OF,
    choices,
    configs_folder,
    default_choices,
    key_comments,
    shipped,
)

ALIASES = {"sweep": "train", "data": "train"}
"""Commands that share another one's config."""

USAGES = {
    "train": "mlff train [group=choice] [key=value] ...",
    "sweep": "mlff sweep [group=choice,choice] [key=value,value] ...",
    "data": "mlff data check [group=choice] [key=value] ...",
    "evaluate": "mlff evaluate <run folder> [dataset=choice] [key=value] ...",
    "verify": "mlff verify <run folder> [key=value] ...",
    "report": "mlff report <run folder> ... [key=value]",
    "features": "mlff features [list|verify|prune] [key=value] ...",
}
ABOUT = {
    "sweep": "One run for every combination of the values given; one table over them.\n"
    "Finished runs are not repeated, and a run that fails does not take the others with it.",
    "data": "What images a task has: counts, class balance, trivial floors, unreadable files,\n"
    "and copies between train and test; ends with exit code 1 when the check fails.",
}
WIDTH = 100


def text(command: str) -> str:
    """Return the help of a command: its groups with their choices, its keys, the flags."""
    config = ALIASES.get(command, command)
    source = (configs_folder() / f"{config}.yaml").read_text(encoding="utf-8")
    about = ABOUT.get(command, source.splitlines()[0].strip("# "))
    usage = USAGES.get(command, f"mlff {command} [key=value] ...")
    lines = [f"usage: {usage}", "", about]
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
        "--cfg job prints the whole configuration and runs nothing, --config-dir <folder> adds",
        "choices of your own, --debug shows the traceback of an error; Hydra's other flags work.",
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
    return "\n".join(lines[:-1]) if lines else f"no {group} is shipped; --config-dir adds your own"


def keys_and_comments(path: str, prefix: str) -> list[str]:
    """Return a line for each key of a shipped file: its default, and what its comment says."""
    keys = {key: value for key, value in flatten(shipped(path)) if key != "name"}
    comments: Mapping[str, str] = key_comments(path)
    shown = {key: f"    {prefix}{key}={written(value)}" for key, value in keys.items()}
    width = min(max(map(len, shown.values()), default=0), 38) + 2
    lines: list[str] = []
    for key, line in shown.items():
        lines += _hanging(line, width, comments.get(key, ""))
    return lines


def written(value: Any) -> str:
    """Return a value as a user would write it on the command line."""
    if isinstance(value, str):
        return "..." if value == "???" else value or '""'
    if isinstance(value, list):
        return f"[{','.join(map(str, value))}]"
    return json.dumps(value)


def _hanging(head: str, width: int, body: str) -> list[str]:
    """Return head and body side by side, the body wrapped at its own left edge."""
    wrapped = textwrap.wrap(body, WIDTH - width) or [""]
    if len(head) >= width:
        wrapped.insert(0, "")
    return [f"{head:<{width}}{wrapped[0]}".rstrip(), *(" " * width + line for line in wrapped[1:])]
