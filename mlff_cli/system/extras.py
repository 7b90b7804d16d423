"""Packages that not every installation has, imported where they are needed."""

from importlib import import_module
from typing import Any

from mlff_cli.errors import UserError


def extra_module(name: str, extra: str) -> Any:
    """Return a module of a package that an extra of this program installs.

    Raises:
        UserError: It is missing; the message says what to install.
    """
    try:
        return import_module(name)
    except ImportError as error:
        package = name.partition(".")[0]
        raise UserError(
            f"the package {package} is needed for this and cannot be imported ({error}); install "
            f"it: pip install 'mlff[{extra}]'"
        ) from error
