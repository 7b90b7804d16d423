"""Writes docs/configuration.md: what the files in configs/ say of every group, choice and key."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from mlff_cli.cli.help import written
from mlff_cli.cli.table import Command, every_command
from mlff_cli.config.schema import ANY, flatten
from mlff_cli.config.shipped import (
    OWN,
    SECTION_OF,
    SECTIONS,
    choices,
    configs_folder,
    default_choices,
    groups,
    key_comments,
    key_values,
    overridden_choices,
)
from mlff_cli.config.values import OR_NULL
from mlff_cli.results.labels import markdown

PAGE = Path(__file__).resolve().parents[1] / "docs" / "configuration.md"

OPENING = """\
# Configuration

Written by `scripts/config_reference` from the files in `configs/`; a test holds it current. The
same at the terminal: `mlff train --help`, `mlff list <group>`, and `mlff train ... --cfg job` for
the whole of it. A choice is made with `group=choice`, a key set with `key=value`; from Python with
the same words, or as values ([library.md](library.md)). A folder of your own files, laid out as
`configs/`, is added with `--config-dir <folder>`.

† changes no number of a run: with another value it is the same run.
"""


def page() -> str:
    """Return the whole page."""
    parts = [OPENING, "## Commands\n"]
    shown: set[str] = set()
    for name, command in every_command().items():
        if command.config is not None and command.config not in shown:
            shown.add(command.config)
            parts += _of_command(name, command, command.config)
    parts.append("## Groups\n")
    for group in groups():
        parts += _of_group(group)
    return "\n".join(parts)


def _of_command(name: str, command: Command, config: str) -> Iterator[str]:
    """Yield the lines on a command: what it is, the choices it makes, its own keys."""
    about = f"{command.about[0].upper()}{command.about[1:]}"
    yield f"### mlff {name}\n\n{markdown(about)}.\n\n    mlff {name} {command.usage}\n"
    same = [
        f"{n} {c.action}".strip()
        for n, c in every_command().items()
        if c.config == config and n != name
    ]
    if same:
        yield f"{' and '.join(f'`mlff {other}`' for other in same)} take the same keys.\n"
    if "train" in _parents(config):
        yield "The choices and keys of `mlff train`, and:\n"
    elif made := {group: choice for group, choice in default_choices(config).items() if choice}:
        yield f"Choices: {', '.join(f'`{g}={c}`' for g, c in made.items())}.\n"
    yield from _table(config, "")


def _of_group(group: str) -> Iterator[str]:
    """Yield the lines on a group: its choices, and the keys that come with each."""
    default = default_choices("train")[group]
    usual = f"; without it `{default}`" if default else ""
    yield f"### {group}\n\n`{group}=...` is one of these{usual}.\n"
    if group not in SECTIONS.values():
        yield "| choice | what it is | what it sets |\n| --- | --- | --- |"
        for choice, about in choices(group).items():
            yield f"| `{choice}` | {markdown(about)} | {_set_by(f'{group}/{choice}')} |"
        yield ""
        return
    for file in sorted((configs_folder() / group).glob("*.yaml")):
        yield from _of_choice(group, file.stem)


def _of_choice(group: str, choice: str) -> Iterator[str]:
    path, shared = f"{group}/{choice}", choice.startswith("_")
    title = f"#### {choice.removeprefix('_')}: shared by choices" if shared else f"#### {choice}"
    yield f"{title}\n\n{markdown(_opening(path))}\n"
    others = [f"`{group}={name}`" for name in _parents(path) if not name.startswith("_")]
    others += [f"*{name[1:]}*" for name in _parents(path) if name.startswith("_")]
    if others:
        yield f"The keys of {' and '.join(others)}, with these defaults:\n"
    if made := overridden_choices(path):
        yield f"It chooses {', '.join(f'`{g}={c}`' for g, c in made.items())}.\n"
    yield from _table(path, f"{SECTION_OF[group]}.")


def _table(path: str, prefix: str) -> Iterator[str]:
    """Yield a table of the keys that stand in a file itself."""
    keys = [(key, value) for key, value in flatten(_own(path)) if key != "name"]
    if not keys:
        return
    comments, values = key_comments(path), key_values(path)
    yield "| key | default | values | |\n| --- | --- | --- | --- |"
    for key, default in keys:
        known = values.get(key, ANY)
        mark = "" if known.changes_result else " †"
        rule = known.said.replace(" | ", ", ") + (OR_NULL if known.nullable else "")
        cells = (f"`{prefix}{key}`{mark}", f"`{written(default)}`", rule, comments.get(key, ""))
        yield f"| {' | '.join([*cells[:2], *map(markdown, cells[2:])])} |"
    yield ""


def _set_by(path: str) -> str:
    """Return what a task or an experiment chooses and sets in other groups."""
    made = [f"{group}={choice}" for group, choice in overridden_choices(path).items()]
    keys = flatten({key: value for key, value in _own(path).items() if key != "task"})
    made += [f"{key}={written(value)}" for key, value in keys]
    return ", ".join(f"`{word}`" for word in made)


def _own(path: str) -> Mapping[str, Any]:
    """Return the keys that stand in a file itself, with their defaults."""
    content: Mapping[str, Any] = yaml.safe_load(_text(path)) or {}
    return {key: value for key, value in content.items() if key not in OWN}


def _parents(path: str) -> list[str]:
    """Return the files that a file takes all keys of, those that every command shares left out."""
    entries: Iterable[Any] = (yaml.safe_load(_text(path)) or {}).get("defaults", [])
    own = ("_self_", "defaults")
    return [entry for entry in entries if isinstance(entry, str) and entry not in own]


def _opening(path: str) -> str:
    """Return the first comment of a file, which describes it."""
    lines = (line for line in _text(path).splitlines() if not line.startswith("# @"))
    return next(lines).strip("# ")


def _text(path: str) -> str:
    return (configs_folder() / f"{path}.yaml").read_text(encoding="utf-8")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(PAGE)
