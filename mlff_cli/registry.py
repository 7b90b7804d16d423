"""Implementations found by their file: ``fusion=conv1x1`` is the class in ``fusion/conv1x1.py``."""

from importlib import import_module
from pkgutil import iter_modules
from typing import TypeVar

from mlff_cli.errors import UserError, nearest

T = TypeVar("T")


def names(package: str) -> list[str]:
    """Return the modules of ``mlff_cli.<package>``: what may be chosen there by name."""
    path = import_module(f"mlff_cli.{package}").__path__
    return sorted(module.name for module in iter_modules(path))


def implementation(package: str, name: str, base: type[T]) -> type[T]:
    """Return the concrete subclass of ``base`` that ``mlff_cli/<package>/<name>.py`` defines.

    Raises:
        UserError: There is no such module; the message gives the nearest names.
    """
    known = names(package)
    if name not in known:
        raise UserError(f"{package}: there is no '{name}'; {nearest(name, known)}")
    module = import_module(f"mlff_cli.{package}.{name}")
    for candidate in vars(module).values():
        if (
            isinstance(candidate, type)
            and issubclass(candidate, base)
            and candidate.__module__ == module.__name__
        ):
            return candidate
    raise UserError(f"mlff_cli/{package}/{name}.py defines no {base.__name__}")
