"""adapters.json: what the trained parts of a run are, with the hash of every tensor."""

import hashlib
import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from mlff_cli.errors import UserError

FORMAT = 2
DESCRIPTION = "adapters.json"


def head_of(experience: str, heads: Collection[str]) -> str:
    """Return the name of the head that reads an experience: its own, or the one of all."""
    return experience if experience in heads else next(iter(heads))


def read_description(folder: Path) -> dict[str, Any]:
    """Return what is said of the adapters in a folder.

    Raises:
        UserError: It is missing or damaged, or of a newer format.
    """
    path = folder / DESCRIPTION
    try:
        content = path.read_bytes()
        description = json.loads(content.decode("utf-8"))
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise UserError(f"{path}: is damaged ({error})") from error
    if isinstance(description, dict) and isinstance(description.get("format"), int):
        if description["format"] > FORMAT:
            raise UserError(
                f"{path}: has format {description['format']}, this program reads up to {FORMAT}; "
                "update it: pip install -U mlff"
            )
        known = {key: value for key, value in description.items() if key != "hash"}
        if canonical(known).encode() == content:
            return description
    raise UserError(f"{path}: is damaged: its hash does not fit its content")


def canonical(description: Mapping[str, Any]) -> str:
    """Return the one text for this content, with the hash of the rest at its end."""
    body = json.dumps(description, indent=1, sort_keys=True)
    digest = hashlib.sha256(body.encode()).hexdigest()
    return body.removesuffix("\n}") + f',\n "hash": "{digest}"\n}}\n'
