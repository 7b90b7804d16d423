"""The schema of every config: the shipped YAML files say which keys there are and of which type.

A section's `name` (``fusion.name: conv1x1``) picks the file that is its schema, so a config that
comes from elsewhere, a user's experiment or the config of an old run, is held to the same rules.
A default of null stands for text or null.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from mlff_cli.errors import UserError, nearest

Tree = Mapping[str, Any]

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

UNNAMED = {"trainer": "default", "paths": "default"}
"""Sections with one schema for all choices, and the file that is it."""

WORDS = {
    "trainer.device": ("auto", "cpu", "cuda", "mps"),
    "trainer.precision": ("auto", "fp32", "bf16", "fp16"),
    "splits.scored": ("test", "validation"),
    "features.dtype": ("float32", "float16"),
    "schedule.line": ("product", "batch", "class"),
    "schedule.heads": ("separate", "shared", "growing"),
    "data.on_bad_image": ("error", "skip"),
    "data.labelling": ("defects", "good_defect"),
    "data.grouping": ("exposure_run", "image_leaks"),
}
"""Keys that take one of a few words."""

AT_LEAST = {
    "image_size": 16,
    "epochs": 1,
    "batch_size": 2,
    "width": 1,
    "views": 1,
    "images_per_class": 4,
    "classes_per_experience": 1,
    "group_size": 1,
    "seed": 0,
    "generator_seed": 0,
    "hidden": 0,
    "checkpoint_every": 0,
    "workers": -1,
    "weight_decay": 0,
    "distillation": 0,
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


def configs_folder() -> Path:
    """Return the folder of the shipped configs: inside the wheel, else the repository's."""
    inside = Path(__file__).parent / "configs"
    return inside if inside.is_dir() else Path(__file__).parents[1] / "configs"


def groups() -> list[str]:
    """Return the groups that choices are made in."""
    return sorted(path.name for path in configs_folder().iterdir() if path.is_dir())


def choices(group: str) -> dict[str, str]:
    """Return each choice of a group with the first comment of its file, which describes it.

    Raises:
        UserError: There is no such group.
    """
    folder = configs_folder() / group
    if group not in groups():
        raise UserError(f"there is no group '{group}'; {nearest(group, groups())}")
    found = {}
    for path in sorted(folder.glob("*.yaml")):
        with path.open(encoding="utf-8") as lines:
            comments = (line for line in lines if not line.startswith("# @"))
            found[path.stem] = next(comments, "").lstrip("# ").rstrip()
    return found


@cache
def shipped(path: str) -> dict[str, Any]:
    """Return the keys and defaults of ``configs/<path>.yaml``, without Hydra's own."""
    text = (configs_folder() / f"{path}.yaml").read_text(encoding="utf-8")
    content = yaml.safe_load(text) or {}
    return {key: value for key, value in content.items() if key not in ("defaults", "hydra")}


def check(config: Tree, command: str) -> None:
    """Hold a composed config to the shipped schema.

    Raises:
        UserError: A key that does not exist, a value of the wrong type or out of its range.
    """
    schema = shipped(command)
    own = {key: value for key, value in config.items() if key not in SECTIONS and key != "task"}
    _check_tree(own, schema, "", known=dict(flatten(config)))
    for section, group in SECTIONS.items():
        if config.get(section) is not None:
            _check_section(config[section], section, group)
    if "task" in config:
        _check_tree(config["task"], {"name": "", "title": ""}, "task.")


def _check_section(section: Any, name: str, group: str) -> None:
    if not isinstance(section, Mapping):
        raise UserError(f"{name}: expected keys and values, found {section!r}")
    choice = UNNAMED.get(name) or str(section.get("name", ""))
    if choice not in choices(group):
        raise UserError(f"{name}.name: '{choice}' is no {group}; {nearest(choice, choices(group))}")
    _check_tree(section, shipped(f"{group}/{choice}"), f"{name}.")


def _check_tree(values: Tree, schema: Tree, prefix: str, known: Tree | None = None) -> None:
    for key, value in values.items():
        path = f"{prefix}{key}"
        if key not in schema:
            names = dict(known or {f"{prefix}{name}": None for name in schema})
            names.pop(path, None)
            raise UserError(f"there is no key '{path}'; {suggest_key(path, names)}")
        expected = schema[key]
        if isinstance(expected, Mapping):
            if not isinstance(value, Mapping):
                raise UserError(f"{path}: expected keys and values, found {value!r}")
            _check_tree(value, expected, f"{path}.", known)
        else:
            _check_type(path, value, expected)
            _check_range(path, value)


def _check_type(path: str, value: Any, default: Any) -> None:
    """Compare with the default's type; whole numbers pass as floats, null only where it is one."""
    if default == "???":
        fits, wanted = value != "???", "a value (it has no default)"
    elif default is None:
        fits, wanted = value is None or isinstance(value, str), "text (or null)"
    elif isinstance(default, bool):
        fits, wanted = isinstance(value, bool), "true or false"
    elif isinstance(default, int):
        fits, wanted = isinstance(value, int) and not isinstance(value, bool), "a whole number"
    elif isinstance(default, float):
        fits = isinstance(value, int | float) and not isinstance(value, bool)
        wanted = "a number"
    elif isinstance(default, list):
        fits, wanted = isinstance(value, list), f"a list, for instance {path}=[a,b]"
    else:
        fits, wanted = isinstance(value, str), "text"
    if not fits:
        raise UserError(f"{path}: expected {wanted}, found {value!r} (default: {default!r})")


def _check_range(path: str, value: Any) -> None:
    last = path.rpartition(".")[2]
    if path in WORDS and value not in WORDS[path]:
        raise UserError(f"{path}: expected one of {', '.join(WORDS[path])}, found '{value}'")
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
    """Return the nearest right keys: the same last name elsewhere, near ones, or the section's."""
    section, _, last = wrong.rpartition(".")
    same = [key for key in keys if key.rpartition(".")[2] == last]
    if same:
        return "did you mean " + " or ".join(f"'{key}'" for key in same[:3]) + "?"
    near = nearest(wrong, keys)
    inside = [key for key in keys if key.rpartition(".")[0] == section]
    return near if near.startswith("did you mean") or not inside else nearest(wrong, inside)
