"""Implementations found by their file: ``fusion=conv1x1`` is the class in ``fusion/conv1x1.py``.

What is not shipped is a plug-in: registered by an installed package, or a file of `--config-dir`.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any, TypeVar

from mlff_cli.config.plug_in_code import class_in
from mlff_cli.config.plug_ins import plug_in
from mlff_cli.config.shipped import is_shipped
from mlff_cli.errors import UserError

GROUPS = {
    "methods": "method",
    "fusion": "fusion",
    "heads": "head",
    "backbones": "backbone",
    "data": "dataset",
    "trackers": "tracker",
}
"""Package of implementations -> the group of their configs."""

T = TypeVar("T")


def implementation(package: str, section: Mapping[str, Any], base: type[T]) -> Callable[..., T]:
    """Return the class that a config section names, with the section's keys filled in.

    Raises:
        UserError: There is no such module, or it defines no such class.
    """
    keys = {key: value for key, value in section.items() if key != "name"}
    return partial(class_of(package, str(section["name"]), base, keys), **keys)


def class_of(package: str, name: str, base: type[T], keys: Iterable[str] = ()) -> type[T]:
    """Return the subclass of ``base`` that ``mlff_cli/<package>/<name>.py`` or a plug-in defines.

    Names come from configs, which hold them to the choices that there are; here nothing is ever
    imported but a plain module name inside the package, or a plug-in, which has to take `keys`.

    Raises:
        UserError: There is no such module, or it defines no such class.
    """
    group = GROUPS[package]
    if not is_shipped(group, name) and (own := plug_in(group, name)):
        return class_in(own, base, keys)
    module_name = f"mlff_cli.{package}.{name}"
    if not name.isidentifier() or find_spec(module_name) is None:
        raise UserError(f"'{name}' has a YAML and no code: mlff_cli/{package}/{name}.py is missing")
    module = import_module(module_name)
    for candidate in vars(module).values():
        if (
            isinstance(candidate, type)
            and issubclass(candidate, base)
            and candidate.__module__ == module.__name__
        ):
            return candidate
    raise UserError(f"mlff_cli/{package}/{name}.py defines no {base.__name__}")
