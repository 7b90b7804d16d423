"""What ``mlff <command> --help`` prints, read from the shipped configs."""

import json
import re

from mlff_cli.config import choices, configs_folder, flatten, shipped

ALIASES = {"sweep": "train"}
"""Commands that share another one's config."""


def text(command: str) -> str:
    """Return the help of a command: its groups with their choices, its keys, the flags."""
    config = ALIASES.get(command, command)
    source = (configs_folder() / f"{config}.yaml").read_text(encoding="utf-8")
    lines = [f"usage: mlff {command} [group=choice] [key=value] ...", ""]
    lines += [line.lstrip("# ") for line in source.splitlines() if line.startswith("#")][:1]
    lines += ["", "groups and their choices (* the default):"]
    for group, default in re.findall(r"^  - (\w+): *(\w+)", source, flags=re.MULTILINE):
        marked = (f"{name}*" if name == default else name for name in choices(group))
        lines.append(f"  {group + '=':<12}{' | '.join(marked)}")
    lines += [
        "",
        "keys of this command (a choice's own keys: mlff train <group>=<choice> --cfg job):",
    ]
    lines += [f"  {key}={json.dumps(value)}" for key, value in flatten(shipped(config))]
    lines += [
        "",
        "--cfg job prints the whole configuration and runs nothing, --config-dir <folder> adds",
        "your own choices, --debug shows the traceback of an error; Hydra's other flags work too.",
    ]
    return "\n".join(lines)
