"""Weight files that other Python packages carry: found without importing those."""

from importlib.util import find_spec
from pathlib import Path


def packaged_file(package: str, inside: str) -> Path | None:
    """Return a file inside an installed package; None where either is missing.

    Nothing of the package runs: its other modules may need what is not installed here.
    """
    spec = find_spec(package)
    for folder in (spec and spec.submodule_search_locations) or ():
        if (file := Path(folder, inside)).is_file():
            return file
    return None
