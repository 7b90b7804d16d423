"""The schema of every config: the shipped YAML files say which keys there are and of which type.

A section's `name` (``fusion.name: conv1x1``) picks the file that is its schema, so a config that
comes from elsewhere, a user's experiment or the config of an old run, is held to the same rules.
A default of null stands for text or null.
"""

import math
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from mlff_cli.config.shipped import SECTION_OF, SECTIONS, choices, default_choices, shipped
from mlff_cli.errors import UserError, nearest
from mlff_cli.images.variations import VARIATIONS

Tree = Mapping[str, Any]

UNNAMED = {"trainer": "default", "paths": "default"}
"""Sections with one schema for all choices, and the file that is it."""

TASK = {"name": "", "title": ""}
"""What a task says of itself."""

WORDS = {
    "trainer.device": ("auto", "cpu", "cuda", "mps"),
    "trainer.precision": ("auto", "fp32", "bf16", "fp16"),
    "splits.scored": ("test", "validation"),
    "features.dtype": ("float32", "float16"),
    "schedule.line": ("product", "batch", "class"),
    "schedule.heads": ("separate", "shared", "growing"),
    "data.on_bad_image": ("error", "skip"),
    "data.labelling": ("defects", "good_defect", "tolerance", "offsets"),
    "data.variations": VARIATIONS,
    "data.grouping": ("exposure_run", "image_leaks"),
}
"""Keys that take one of a few words, or a list of them."""

NUMBERS = ("data.exposures",)
"""Lists of whole numbers; all others hold names."""

AT_LEAST = {
    "image_size": 16,
    "epochs": 1,
    "batch_size": 2,
    "width": 1,
    "variations": 0,
    "images_per_class": 4,
    "classes_per_experience": 1,
    "group_size": 1,
    "seed": 0,
    "generator_seed": 0,
    "hidden": 0,
    "checkpoint_every": 0,
    "workers": -1,
    "processes": 1,
    "weight_decay": 0,
    "distillation": 0,
    "tolerance": 0,
}
"""Smallest value of a key, whatever its section."""

BETWEEN = {
    "learning_rate": (0.0, 10.0),
    "dropout": (-1e-9, 1.0),
    "label_smoothing": (-1e-9, 1.0),
    "splits.test": (0.0, 1.0),
    "splits.validation": (-1e-9, 1.0),
    "threshold": (-1e-9, 1.0),
    "bad_image_limit": (-1e-9, 1.0 + 1e-9),
}
"""Open intervals that a value must lie in."""


def check(config: Tree, command: str) -> None:
    """Hold a composed config to the shipped schema.

    Raises:
        UserError: A key that does not exist or is missing, a value of the wrong type or range.
    """
    schema = shipped(command)
    groups = default_choices(command)
    sections = {section for section, group in SECTIONS.items() if group in groups}
    own = {k: v for k, v in config.items() if k not in sections and k != "task"}
    names = dict.fromkeys(groups)
    keys = dict(flatten(schema)) | names
    for section in sections:
        group = SECTIONS[section]
        if config.get(section) is not None:
            keys |= _check_section(config[section], section, group, names)
        elif groups[group] is not None:
            raise UserError(f"{group}= needs a choice; {nearest('', choices(group))}")
    _check_tree(own, schema, "", known=keys)
    if "task" in groups:
        _check_tree(config.get("task") or {}, TASK, "task.", dict(flatten(TASK, "task.")))


def _check_section(section: Any, name: str, group: str, groups: dict[str, None]) -> Tree:
    """Check one section and return the keys that it may have."""
    if not isinstance(section, Mapping):
        raise UserError(
            f"{name}: expected keys and values, found {section!r}; choose with {group}=..."
        )
    choice = UNNAMED.get(name) or str(section.get("name", ""))
    if choice not in choices(group):
        raise UserError(
            f"{name}.name: '{choice}' is no {group}; {nearest(choice, choices(group))}"
            " (files of your own name the shipped choice that they vary)"
        )
    schema = shipped(f"{group}/{choice}")
    keys = dict(flatten(schema, f"{name}."))
    remedy = f", or begin the file with defaults: [{choice}]"
    _check_tree(section, schema, f"{name}.", groups | keys, remedy)
    return keys


def _check_tree(values: Tree, schema: Tree, prefix: str, known: Tree, remedy: str = "") -> None:
    for key, value in values.items():
        path = f"{prefix}{key}"
        if key not in schema:
            raise UserError(f"there is no key '{path}'; {suggest_key(path, known)}")
        expected = schema[key]
        if isinstance(expected, Mapping):
            if not isinstance(value, Mapping):
                raise UserError(f"{path}: expected keys and values, found {value!r}")
            _check_tree(value, expected, f"{path}.", known, remedy)
        else:
            _check_type(path, value, expected)
            _check_range(path, value)
    missing = next((key for key in schema if key not in values), None)
    if missing is not None:
        raise UserError(f"'{prefix}{missing}' is missing; give {prefix}{missing}=...{remedy}")


def _check_type(path: str, value: Any, default: Any) -> None:
    """Compare with the default's type; whole numbers pass as floats, null only where it is one."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    hint = f" (default: {default!r})"
    if default == "???":
        fits, wanted, hint = isinstance(value, str), "text", ""
    elif default is None:
        fits, wanted = value is None or isinstance(value, str), "text (or null)"
    elif isinstance(default, bool):
        fits, wanted = isinstance(value, bool), "true or false"
    elif isinstance(default, int):
        fits, wanted = number and isinstance(value, int), "a whole number"
    elif isinstance(default, float):
        fits, wanted = number and math.isfinite(value), "a number"
    elif isinstance(default, list):
        numbers = path in NUMBERS
        fits = isinstance(value, list) and all(type(v) is (int if numbers else str) for v in value)
        wanted = f"a list of {'whole numbers' if numbers else 'names'}, for instance {path}="
        wanted += "[1,2]" if numbers else "[a,b]"
    else:
        fits, wanted = isinstance(value, str), "text"
    if not fits and number and wanted.startswith("text"):
        hint = f"; where it is a name, put it in quotes: {path}='\"{value}\"'"
    if not fits:
        raise UserError(f"{path}: expected {wanted}, found {value!r}{hint}")


def _check_range(path: str, value: Any) -> None:
    last = path.rpartition(".")[2]
    for word in value if isinstance(value, list) else [value]:
        if path in WORDS and word not in WORDS[path]:
            raise UserError(f"{path}: expected one of {', '.join(WORDS[path])}, found '{word}'")
    number = isinstance(value, int | float)
    smallest = AT_LEAST.get(last)
    if path == "trainer.batch_size":
        smallest = 0
    if number and smallest is not None and value < smallest:
        raise UserError(f"{path}: expected at least {smallest}, found {value}")
    interval = BETWEEN.get(path) or BETWEEN.get(last)
    if number and interval and not interval[0] < value < interval[1]:
        low, high = (round(bound, 6) + 0.0 for bound in interval)
        raise UserError(f"{path}: expected a number between {low:g} and {high:g}, found {value}")


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
