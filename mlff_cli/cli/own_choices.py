"""The user's own choices in folders of ``--config-dir``, for the Tab key: read, never refused."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from mlff_cli.config.shipped import choices, groups


def own_choices(group: str, folders: Sequence[Path]) -> dict[str, str]:
    """Return the choices of a group in these folders, with the comment that each begins with."""
    return {
        file.stem: _first_comment(file)
        for folder in folders
        for file in sorted((folder / group).glob("[!_]*.yaml"))
    }


def without_own(words: Sequence[str], folders: Sequence[Path]) -> list[str]:
    """Return words with the shipped choices that the user's own ones are made of in their place.

    A choice varies a shipped one, which has the same keys; a task or experiment picks others.
    """
    found: list[str] = []
    for word in words:
        group, equals, choice = word.partition("=")
        own = equals and group in groups() and choice not in choices(group)
        content = _content(group, choice, folders) if own else {}
        found += _made_of(group, content) if content else [word]
    return found


def _made_of(group: str, content: Mapping[str, Any]) -> Iterator[str]:
    if isinstance(name := content.get("name"), str):
        yield f"{group}={name}"
        return
    defaults = content.get("defaults")
    for entry in defaults if isinstance(defaults, list) else []:
        if isinstance(entry, str) and entry in choices(group):
            yield f"{group}={entry}"
        if isinstance(entry, dict):
            for other, choice in entry.items():
                yield f"{str(other).removeprefix('override ').lstrip('/')}={choice}"


def _content(group: str, choice: str, folders: Sequence[Path]) -> Mapping[str, Any]:
    for folder in folders:
        with suppress(OSError, ValueError, yaml.YAMLError):
            content = yaml.safe_load((folder / group / f"{choice}.yaml").read_text("utf-8"))
            if isinstance(content, dict):
                return content
    return {}


def _first_comment(file: Path) -> str:
    with suppress(OSError, ValueError):
        for line in file.read_text("utf-8").splitlines():
            if line.startswith("#") and not line.startswith("# @"):
                return line.strip("# ")
            if not line.startswith("#"):
                break
    return ""
