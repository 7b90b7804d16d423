"""Weight files that other Python packages carry: found without importing those."""

from importlib.util import find_spec
from pathlib import Path

from mlff_cli.errors import UserError


def packaged_file(package: str, inside: str) -> Path | None:
    """Return a file inside an installed package; None where either is missing.

    Nothing of the package runs: its other modules may need what is not installed here.
    """
    spec = find_spec(package)
    for folder in (spec and spec.submodule_search_locations) or ():
        if (file := Path(folder, inside)).is_file():
            return file
    return None


def needed_file(package: str, inside: str, remedy: str) -> Path:
    """Return a file inside a package.

    Raises:
        UserError: It is missing; names the distribution, and what else helps.
    """
    if file := packaged_file(package, inside):
        return file
    distribution = package.replace("_", "-")
    raise UserError(f"backbone: the weights' package {distribution} is missing: {remedy}")
