"""The schema of every config: the shipped YAML files say which keys and values there are.

The default of a key gives its type, the comment behind it the values (see `values`). A section's
`name` (``fusion.name: conv1x1``) picks the file that is its schema, so a config that comes from
elsewhere, a user's experiment or the config of an old run, is held to the same rules. A default
of null stands for text or null.
"""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from mlff_cli.config.plug_ins_needed import PLUG_INS, refuse_other_plug_ins
from mlff_cli.config.shipped import (
    SECTION_OF,
    SECTIONS,
    choices,
    default_choices,
    key_values,
    shipped,
)
from mlff_cli.config.values import Values
from mlff_cli.errors import UserError, nearest

Tree = Mapping[str, Any]

UNNAMED = {"trainer": "default", "paths": "default"}
"""Sections with one schema for all choices, and the file that is it."""

TASK = {"name": "", "title": ""}
"""What a task says of itself."""

NUMBERS, NAMES = (int, "whole numbers", "[1,2]"), (str, "names", "[a,b]")
"""What a list holds, what it is called, and an example."""

ANY = Values()
"""The values of a key that says nothing of them."""


def check(config: Tree, command: str) -> None:
    """Hold a composed config to the shipped schema.

    Raises:
        UserError: A key that does not exist or is missing, a value of the wrong type or range, a
            plug-in that is not here as it was.
    """
    refuse_other_plug_ins(config)
    groups = default_choices(command)
    sections = {section for section, group in SECTIONS.items() if group in groups}
    own = {k: v for k, v in config.items() if k not in {*sections, "task", PLUG_INS}}
    known: dict[str, Any] = dict.fromkeys(groups)
    for section in sections:
        group = SECTIONS[section]
        if config.get(section) is not None:
            known |= _check_section(config[section], section, group, groups)
        elif groups[group] is not None:
            raise UserError(f"{group}= needs a choice; {nearest('', choices(group))}")
    schema = Schema.of(command, known=known)
    _check_tree(own, schema.keys, "", schema)
    if "task" in groups:
        known = dict(flatten(TASK, "task."))
        _check_tree(config.get("task") or {}, TASK, "task.", Schema(TASK, known))


def schema_of(section: str, tree: Any) -> str | None:
    """Return the shipped file that is the schema of a section's tree; None where there is none."""
    group = SECTIONS.get(section)
    if group is None or not isinstance(tree, Mapping):
        return None
    choice = UNNAMED.get(section) or str(tree.get("name", ""))
    return f"{group}/{choice}" if choice in choices(group) else None


@dataclass(frozen=True)
class Schema:
    """What a tree of keys is held to.

    Attributes:
        keys: The keys that there are, with their defaults.
        known: Dotted keys that a wrong one is compared with.
        values: The values of those keys that say something of them, by the dotted key.
        remedy: What else helps where a key is missing.
    """

    keys: Tree
    known: Tree
    values: Mapping[str, Values] = field(default_factory=dict)
    remedy: str = ""

    @classmethod
    def of(cls, path: str, prefix: str = "", *, known: Tree, remedy: str = "") -> "Schema":
        """Return the schema that a shipped file is; its own keys are `known` as well."""
        keys = shipped(path)
        values = {f"{prefix}{key}": found for key, found in key_values(path).items()}
        return cls(keys, dict(flatten(keys, prefix)) | dict(known), values, remedy)


def _check_section(section: Any, name: str, group: str, groups: Tree) -> Tree:
    """Check one section and return the keys that it may have."""
    if not isinstance(section, Mapping):
        raise UserError(
            f"{name}: expected keys and values, found {section!r}; choose with {group}=..."
        )
    path = schema_of(name, section)
    if groups[group] and section.get("name") == groups[group]:
        path = f"{group}/{groups[group]}"  # a command's default need not be a choice of others
    if path is None:
        choice = str(section.get("name", ""))
        raise UserError(
            f"{name}.name: '{choice}' is no {group}; {nearest(choice, choices(group))}"
            " (files of your own name the shipped choice that they vary)"
        )
    remedy = f", or begin the file with defaults: [{path.rpartition('/')[2]}]"
    schema = Schema.of(path, f"{name}.", known=groups, remedy=remedy)
    _check_tree(section, schema.keys, f"{name}.", schema)
    return dict(flatten(schema.keys, f"{name}."))


def _check_tree(tree: Tree, expected: Tree, prefix: str, schema: Schema) -> None:
    for key, value in tree.items():
        path = f"{prefix}{key}"
        if key not in expected:
            raise UserError(f"there is no key '{path}'; {suggest_key(path, schema.known)}")
        default = expected[key]
        if isinstance(default, Mapping):
            if not isinstance(value, Mapping):
                raise UserError(f"{path}: expected keys and values, found {value!r}")
            _check_tree(value, default, f"{path}.", schema)
        else:
            _check_value(path, value, default, schema.values.get(path, ANY))
    missing = next((key for key in expected if key not in tree), None)
    if missing is not None:
        path = f"{prefix}{missing}"
        raise UserError(f"'{path}' is missing; give {path}=...{schema.remedy}")


def _check_value(path: str, value: Any, default: Any, values: Values) -> None:
    kinds = {type(word) for word in values.words}
    if len(kinds) > 1:  # auto | true | false: the default is one of several types
        fits, wanted = type(value) in kinds, values.expected()
    elif values.pair:
        kinds_of = [type(item) for item in _listed(value)]
        fits = kinds_of == ([int, int] if isinstance(value, list) else [int])
        wanted = f"a whole number, or two for height and width: {path}=[128,256]"
    else:
        fits, wanted = _type(path, value, default, values)
    if not fits:
        raise UserError(f"{path}: expected {wanted}, found {value!r}{_hint(path, value, default)}")
    if values.admit(value):
        return
    if not values.words:
        raise UserError(f"{path}: expected {values.expected()}, found {value}")
    wrong = next(word for word in _listed(value) if word not in values.words)
    near = nearest(str(wrong), map(str, values.words))
    hint = f"; {near}" if near.startswith("did you mean") else ""
    raise UserError(f"{path}: expected {values.expected()}, found '{wrong}'{hint}")


def _type(path: str, value: Any, default: Any, values: Values) -> tuple[bool, str]:
    """Return whether a value has the default's type, and what that type is called.

    Whole numbers pass as floats; null passes where it is the default.
    """
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if default is None or values.nullable:
        given = number if values.nullable else isinstance(value, str)
        return value is None or given, f"{'a number' if values.nullable else 'text'} (or null)"
    if isinstance(default, bool):
        return isinstance(value, bool), "true or false"
    if isinstance(default, int):
        return number and isinstance(value, int), "a whole number"
    if isinstance(default, float):
        return number and abs(value) <= sys.float_info.max, "a number"
    if isinstance(default, list):
        kind, called, example = NUMBERS if values.whole_numbers else NAMES
        fits = isinstance(value, list) and all(type(item) is kind for item in value)
        word = f"{values.instead}, or " if values.instead else ""
        fits = fits or (bool(word) and value == values.instead)
        return fits, f"{word}a list of {called}, for instance {path}={example}"
    return isinstance(value, str), "text"


def _hint(path: str, value: Any, default: Any) -> str:
    """Return what else is said of a value that has the wrong type."""
    text = default is None or isinstance(default, str)
    if text and isinstance(value, int | float) and not isinstance(value, bool):
        return f"; where it is a name, put it in quotes: {path}='\"{value}\"'"
    return "" if default == "???" else f" (default: {default!r})"


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def flatten(tree: Tree, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield ``section.key`` and value of every leaf."""
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def suggest_key(wrong: str, keys: Tree) -> str:
    """Return the nearest right keys, or the choices that have this one.

    Near are a similar name in the same section, the same name in another, a similar one anywhere.
    """
    first, dot, rest = wrong.partition(".")
    wrong = SECTION_OF.get(first, first) + dot + rest if dot else wrong
    section, _, last = wrong.rpartition(".")
    if wrong in keys:
        return f"did you mean '{wrong}'?"
    group = SECTIONS.get(section, "")
    if group in keys and (having := _choices_having(group, last)):
        return f"it belongs to {' or '.join(f'{group}={name}' for name in having)}"
    inside = {key.rpartition(".")[2]: key for key in keys if key.rpartition(".")[0] == section}
    if dot and (close := get_close_matches(last, inside, n=1)):
        return f"did you mean '{inside[close[0]]}'?"
    same = [key for key in keys if key.rpartition(".")[2] == last]
    if same:
        return "did you mean " + " or ".join(f"'{key}'" for key in same[:3]) + "?"
    if dot and inside:
        return nearest("", inside.values())
    near = nearest(wrong, keys)
    return near if near.startswith("did") else nearest("", (k for k in keys if "." not in k))


def _choices_having(group: str, key: str) -> list[str]:
    return [name for name in choices(group) if key in shipped(f"{group}/{name}")]
