"""What YAML files offer: groups, their choices, keys, defaults, values and comments.

All but the choices of plug-ins are shipped.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from mlff_cli.config import plug_ins
from mlff_cli.config.plug_ins import CONFIGS, METRIC, PlugIn
from mlff_cli.config.saved import SAFE_LOADER
from mlff_cli.config.values import Values, read_values
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
    "tracker": "tracker",
}
"""Section of a config -> group of choices that fill it."""

SECTION_OF = {group: section for section, group in SECTIONS.items()}

WITHOUT_CODE = ("task", "experiment")
"""Groups whose choices only set what other groups have."""

OWN = ("defaults", "hydra")
"""Keys of a file that Hydra reads and no command sees."""

KEY = re.compile(r"(?P<indent> *)(?P<key>\w+):.*?(?:\s+# (?P<values>.*))?")
"""A line with a key, and the comment behind it."""


class Line(NamedTuple):
    """A line with a key: the key in full, the comment above it, and the one behind it."""

    key: str
    above: str
    behind: str


def configs_folder() -> Path:
    """Return the folder of the shipped configs: inside the wheel, else the repository's."""
    inside = Path(__file__).parents[1] / "configs"
    return inside if inside.is_dir() else Path(__file__).parents[2] / "configs"


def default_choices(command: str) -> dict[str, str | None]:
    """Return the groups of a command's config with the choice made in each, the task first."""
    entries = [entry for parent in _family(command) for entry in _group_entries(parent)]
    found = {group: choice for group, choice in entries if not group.startswith("override ")}
    return {group: found[group] for group in sorted(found, key=lambda group: group != "task")}


def overridden_choices(path: str) -> dict[str, str]:
    """Return the choices that ``configs/<path>.yaml`` and its parents make in other groups."""
    made: dict[str, str] = {}
    for parent in _family(path):
        for entry, choice in _group_entries(parent):
            if entry.startswith("override /"):
                made[entry.removeprefix("override /").partition("@")[0]] = str(choice)
    return made


def groups() -> list[str]:
    """Return the groups that choices are made in, the task first."""
    return list(default_choices("train"))


def choices(group: str) -> dict[str, str]:
    """Return each choice of a group with the first comment of its file, which describes it.

    Files whose names begin with "_" hold what others share and are no choices. Those of plug-ins
    stand last; one that a shipped file has the name of, or whose YAML is wrong, is none.

    Raises:
        UserError: There is no such group.
    """
    if group not in groups():
        raise UserError(f"there is no group '{group}'; {nearest(group, groups())}")
    files = sorted((configs_folder() / group).glob("[!_]*.yaml"))
    shipped_ones = {file.stem: _opening(file.read_text(encoding="utf-8"))[0] for file in files}
    return {**shipped_ones, **_added(group)}


def _added(group: str) -> dict[str, str]:
    """Return the choices of plug-ins, what each is and what it is of; tasks are YAML alone."""
    if group in WITHOUT_CODE:
        files = (f for folder in plug_ins.folders() for f in (folder / group).glob("[!_]*.yaml"))
        names = sorted({file.stem for file in files if not is_shipped(group, file.stem)})
        readable = (name for name in names if not _problem(overridden_choices, f"{group}/{name}"))
        return {name: _opening(_text(f"{group}/{name}"))[0] for name in readable}
    return {
        own.name: f"{_opening(_text(f'{group}/{own.name}'))[0]} (of {own.origin})"
        for own in plug_ins.found(group)
        if not is_shipped(group, own.name) and not yaml_problem(own)
    }


def left_out(group: str) -> dict[str, str]:
    """Return the plug-ins of a group that are no choices, and why."""
    problems = {
        f"{own.name} of {own.origin}": "a shipped choice has that name"
        if is_shipped(group, own.name)
        else yaml_problem(own)
        for own in plug_ins.found(group)
    }
    return {name: problem for name, problem in problems.items() if problem}


def is_shipped(group: str, choice: str) -> bool:
    """Return whether a file of that name is shipped; it counts before any other."""
    if group == METRIC:
        return (Path(__file__).parents[1] / "metrics" / f"{choice}.py").is_file()
    return (configs_folder() / group / f"{choice}.yaml").is_file()


def yaml_problem(own: PlugIn) -> str:
    """Return what is wrong with the YAML of a plug-in; "": nothing, or it needs none."""
    path = f"{own.kind}/{own.name}"
    if own.kind == METRIC:
        return ""
    if own.yaml is None or not own.yaml.is_file():
        return f"there is no {CONFIGS}/{path}.yaml in it"
    if problem := _problem(key_values, path):
        return f"{own.yaml}: {problem}"
    name = shipped(path).get("name")
    return "" if name == own.name else f"{own.yaml}: expected name: {own.name}, found {name!r}"


def _problem(read: Callable[[str], object], path: str) -> str:
    """Return why a strange YAML cannot be read; "": it can."""
    try:
        read(path)
    except (yaml.YAMLError, OSError, ValueError, TypeError, AttributeError) as error:
        return f"cannot be read ({str(error).partition(chr(10))[0]})"
    return ""


def shipped(path: str) -> dict[str, Any]:
    """Return the keys and defaults of ``configs/<path>.yaml`` and its parents."""
    merged: dict[str, Any] = {}
    for parent in _family(path):
        own = {key: value for key, value in _content(parent).items() if key not in OWN}
        merged = _merged(merged, own)
    return merged


def key_comments(path: str) -> dict[str, str]:
    """Return what the comments above the keys of a file and its parents say, where they do."""
    return _of_keys(path, lambda line: line.above)


def key_values(path: str) -> dict[str, Values]:
    """Return the values that the keys of a file and its parents may have, where they say so."""
    said = _of_keys(path, lambda line: line.behind)
    return {key: read_values(comment) for key, comment in said.items()}


def _of_keys(path: str, part: Callable[[Line], str]) -> dict[str, str]:
    lines = (line for parent in _family(path) for line in _lines(parent))
    return {line.key: part(line) for line in lines if part(line)}


def _family(path: str) -> Iterator[str]:
    """Yield the files that a file takes keys from by its defaults list, itself the last."""
    group, slash, _ = path.rpartition("/")
    for entry in _content(path).get("defaults", []):
        if isinstance(entry, str) and entry != "_self_":
            yield from _family(f"{group}{slash}{entry}")
    yield path


def _group_entries(path: str) -> Iterator[tuple[str, str | None]]:
    """Yield the groups in a file's defaults list, as they stand there, and the choices made."""
    for entry in _content(path).get("defaults", []):
        if isinstance(entry, Mapping):
            yield from entry.items()


def _lines(path: str) -> Iterator[Line]:
    """Yield the lines with keys; those of a section are named with it."""
    text = _text(path)
    said, section = _opening(text)[1:], ""
    for line in re.sub(r"\A(#.*\n)+", "", text).splitlines():
        if line.strip().startswith("#"):
            said.append(line.strip("# "))
            continue
        if match := KEY.fullmatch(line):
            if not match["indent"]:
                section = match["key"]
            key = f"{section}.{match['key']}" if match["indent"] else section
            yield Line(key, " ".join(said), match["values"] or "")
        said = []


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return two trees as one; where both have a value, that of the second counts."""
    result = dict(below)
    for key, value in above.items():
        both = isinstance(value, Mapping) and isinstance(result.get(key), Mapping)
        result[key] = _merged(result[key], value) if both else value
    return result


def _opening(text: str) -> list[str]:
    """Return the comment that a file begins with, without Hydra's own line."""
    top = re.match(r"(#.*\n)*", text)
    lines = top[0].splitlines() if top else []
    return [line.strip("# ") for line in lines if not line.startswith("# @")] or [""]


def _file(path: str) -> Path:
    """Return the file of that name: the shipped one, else a plug-in's, of packages first."""
    file = configs_folder() / f"{path}.yaml"
    if file.is_file():
        return file
    added = (folder / f"{path}.yaml" for folder in plug_ins.folders())
    return next((file for file in added if file.is_file()), file)


def _text(path: str) -> str:
    file = _file(path)
    return _read(file, file.stat().st_mtime_ns)


def _content(path: str) -> dict[str, Any]:
    file = _file(path)
    return _parsed(file, file.stat().st_mtime_ns)


# A notebook's user may change a file of his own meanwhile.
@cache
def _read(file: Path, changed: int) -> str:
    return file.read_text(encoding="utf-8")


@cache
def _parsed(file: Path, changed: int) -> dict[str, Any]:
    return yaml.load(_read(file, changed), Loader=SAFE_LOADER) or {}
