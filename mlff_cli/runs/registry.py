"""Implementations found by their file: ``fusion=conv1x1`` is the class in ``fusion/conv1x1.py``."""

from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any, TypeVar

from mlff_cli.errors import UserError

T = TypeVar("T")


def implementation(package: str, section: Mapping[str, Any], base: type[T]) -> Callable[..., T]:
    """Return the class that a config section names, with the section's keys filled in.

    Raises:
        UserError: There is no such module, or it defines no such class.
    """
    keys = {key: value for key, value in section.items() if key != "name"}
    return partial(class_of(package, section, base), **keys)


def class_of(package: str, section: Mapping[str, Any], base: type[T]) -> type[T]:
    """Return the subclass of ``base`` that ``mlff_cli/<package>/<name>.py`` defines.

    Names come from configs, which hold them to the shipped choices; here nothing but a plain
    module name inside the package is ever imported.

    Raises:
        UserError: There is no such module, or it defines no such class.
    """
    name = str(section["name"])
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
