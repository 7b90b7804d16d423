"""What the shipped YAML files offer: groups, their choices, keys, defaults and comments."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from mlff_cli.errors import UserError, nearest

SECTIONS = {
    "data": "dataset",
    "schedule": "schedule",
    "backbone": "backbone",
    "fusion": "fusion",
    "head": "head",
    "method": "method",
    "trainer": "trainer",
    "paths": "paths",
}
"""Section of a config -> group of choices that fill it."""

SECTION_OF = {group: section for section, group in SECTIONS.items()}


def configs_folder() -> Path:
    """Return the folder of the shipped configs: inside the wheel, else the repository's."""
    inside = Path(__file__).parents[1] / "configs"
    return inside if inside.is_dir() else Path(__file__).parents[2] / "configs"


def default_choices(command: str) -> dict[str, str | None]:
    """Return the groups of a command's config with the choice made in each, the task first."""
    entries = _content(command).get("defaults", [])
    found = {
        group: choice for entry in entries if isinstance(entry, dict)
        for group, choice in entry.items()
    }  # fmt: skip
    return {group: found[group] for group in sorted(found, key=lambda group: group != "task")}


def groups() -> list[str]:
    """Return the groups that choices are made in, the task first."""
    return list(default_choices("train"))


def choices(group: str) -> dict[str, str]:
    """Return each choice of a group with the first comment of its file, which describes it.

    Raises:
        UserError: There is no such group.
    """
    if group not in groups():
        raise UserError(f"there is no group '{group}'; {nearest(group, groups())}")
    files = sorted((configs_folder() / group).glob("*.yaml"))
    return {file.stem: _comment_lines(file.read_text(encoding="utf-8"))[0] for file in files}


def shipped(path: str) -> dict[str, Any]:
    """Return the keys and defaults of ``configs/<path>.yaml``, without Hydra's own."""
    return {key: value for key, value in _content(path).items() if key not in ("defaults", "hydra")}


def key_comments(path: str) -> dict[str, str]:
    """Return what the comments above the keys of ``configs/<path>.yaml`` say, "" without one."""
    text = (configs_folder() / f"{path}.yaml").read_text(encoding="utf-8")
    found, said, section = {}, _comment_lines(text)[1:], ""
    body = re.sub(r"\A(#.*\n)+", "", text)
    for line in body.splitlines():
        if line.strip().startswith("#"):
            said.append(line.strip("# "))
            continue
        if match := re.match(r"( *)(\w+):", line):
            if not match[1]:
                section = match[2]
            found[f"{section}.{match[2]}" if match[1] else section] = " ".join(said)
        said = []
    return found


def _comment_lines(text: str) -> list[str]:
    """Return the comment that a file begins with, without Hydra's own line."""
    top = re.match(r"(#.*\n)*", text)
    lines = top[0].splitlines() if top else []
    return [line.strip("# ") for line in lines if not line.startswith("# @")] or [""]


@cache
def _content(path: str) -> dict[str, Any]:
    content = yaml.safe_load((configs_folder() / f"{path}.yaml").read_text(encoding="utf-8"))
    return content or {}
