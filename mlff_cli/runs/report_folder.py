"""A folder for tables and pictures that never overwrites what somebody else has put there."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from mlff_cli.errors import SHOWN, UserError
from mlff_cli.system.files import write_atomically

LISTING = ".mlff-report.json"
"""Names the files that were written into the folder, with their hashes."""


@contextmanager
def report_folder(target: Path) -> Iterator[Path]:
    """Give an empty folder to write into, then move its files to `target`.

    Raises:
        UserError: A file of such a name lies in `target` that no report has written, or that was
            changed since.
    """
    with TemporaryDirectory(prefix="mlff-report-") as scratch:
        yield Path(scratch)
        made = sorted(Path(scratch).iterdir())
        _refuse_foreign(target, [file.name for file in made])
        target.mkdir(parents=True, exist_ok=True)
        listing = _listed(target) | {file.name: _hash(file) for file in made}
        write_atomically(target / LISTING, json.dumps(listing, indent=1, sort_keys=True) + "\n")
        for file in made:
            shutil.move(file, target / file.name)


def _refuse_foreign(target: Path, names: list[str]) -> None:
    if target.exists() and not target.is_dir():
        raise UserError(f"{target}: is a file; give a folder with output=...")
    known = _listed(target)
    foreign = [
        name
        for name in names
        if (target / name).exists() and known.get(name) != _hash(target / name)
    ]
    if foreign:
        shown = ", ".join(foreign[:SHOWN]) + (", ..." if len(foreign) > SHOWN else "")
        raise UserError(
            f"{target}: {shown} would be overwritten, which mlff report has not written or which "
            "was changed since; give another folder with output=..."
        )


def _listed(target: Path) -> dict[str, str]:
    try:
        content = json.loads((target / LISTING).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _hash(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else ""
