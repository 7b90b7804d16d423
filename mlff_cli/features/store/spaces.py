"""What features depend on besides the image: one folder of the store for each."""

import hashlib
import json
import logging
import re
import zlib
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mlff_cli.backbones.levels import LevelInfo, Preprocessing
from mlff_cli.errors import UserError
from mlff_cli.features.store.files import unreadable, write_whole

logger = logging.getLogger(__name__)

FORMAT_VERSION = 2
"""Of keys, files and the definitions of the poolings: a change of any must raise it."""

SPACE_NAME = re.compile(r"[0-9a-f]{32}")
SPACE_FILE = "space.json"


@dataclass(frozen=True)
class FeatureSpace:
    """What a row depends on besides image and variation.

    Attributes:
        fingerprint: Hash of the backbone's weights, taps and preprocessing.
        preprocessing: How an image becomes the network's input.
        levels: None where the backbone was not built; not part of the key.
        description: For people; not part of the key.
    """

    fingerprint: str
    preprocessing: Preprocessing
    levels: tuple[LevelInfo, ...] | None = None
    description: str = ""

    def folder_name(self, dtype: str) -> str:
        """Return the name (32 hex digits) of this space's folder in the store."""
        scaling = self.preprocessing
        return _hashed(
            FORMAT_VERSION,
            self.fingerprint,
            scaling.size,
            [float(value) for value in scaling.mean],
            [float(value) for value in scaling.std],
            dtype,
        )


def row_key(image_identity: str, variation: int, version: str = "") -> str:
    """Return the key (32 hex digits) of an image's row; variation 0 is the plain image.

    `version` says how variations are made; it matters for those above 0 only.
    """
    if variation < 0:
        raise ValueError(f"a variation is numbered from 0, not {variation}")
    return _hashed(image_identity, variation, version if variation else "")


def write_space(path: Path, space: FeatureSpace, dtype: str) -> None:
    """Write `space.json` into the folder `path`.

    Raises:
        UserError: The disk is full, or the folder cannot be written.
    """
    content: dict[str, Any] = {
        "format": FORMAT_VERSION,
        "description": space.description,
        "fingerprint": space.fingerprint,
        "preprocessing": asdict(space.preprocessing),
        "dtype": dtype,
        "levels": None if space.levels is None else [asdict(level) for level in space.levels],
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    content["crc32"] = _checksum(content)
    write_whole(path / SPACE_FILE, [(json.dumps(content, indent=2) + "\n").encode()])


def read_space(path: Path) -> dict[str, Any] | None:
    """Return what `space.json` in the folder `path` says; None where it is missing or damaged.

    Of another format version only the key "format" can be relied on.
    """
    try:
        content = json.loads((path / SPACE_FILE).read_bytes())
        if not isinstance(content["format"], int):
            raise TypeError(content["format"])
        if content["format"] == FORMAT_VERSION and content.pop("crc32") != _checksum(content):
            raise ValueError("the checksum differs")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return dict(content)


def stored_levels(path: Path) -> tuple[LevelInfo, ...] | None:
    """Return the levels that `space.json` in the folder `path` names, if it does."""
    content = read_space(path)
    if content is None and (path / SPACE_FILE).exists():
        logger.warning("%s is damaged; the backbone says again what it holds", path / SPACE_FILE)
    if content is None or content["levels"] is None:
        return None
    return tuple(LevelInfo(**level) for level in content["levels"])


def space_folders(folder: Path) -> list[Path]:
    """Return the folders of all spaces in the store `folder`, of any format version.

    Raises:
        UserError: `folder` is a file or must not be read.
    """
    try:
        return sorted(
            path for path in folder.iterdir() if SPACE_NAME.fullmatch(path.name) and path.is_dir()
        )
    except FileNotFoundError:
        return []
    except OSError as error:
        raise unreadable(folder, error) from error


def refuse_other_formats(folder: Path) -> None:
    """Raise `UserError` when the store `folder` was written by another format version."""
    for path in space_folders(folder):
        content = read_space(path)
        if content is not None and content["format"] != FORMAT_VERSION:
            age = "older" if content["format"] < FORMAT_VERSION else "newer"
            raise UserError(
                f"{path}: these features have the {age} format version {content['format']}, this "
                f"program writes version {FORMAT_VERSION}; delete them with 'mlff features prune' "
                "(they are computed again) or give another folder with paths.features=<folder>"
            )


def _hashed(*ingredients: object) -> str:
    # JSON keeps neighbours apart: ("ab", "c") and ("a", "bc") must differ.
    return hashlib.sha256(json.dumps(ingredients).encode()).hexdigest()[:32]


def _checksum(content: dict[str, Any]) -> int:
    return zlib.crc32(json.dumps(content, sort_keys=True).encode())
