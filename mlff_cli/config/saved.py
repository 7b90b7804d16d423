"""config.yaml of a run, read as data: nothing in it is carried out."""

from pathlib import Path
from typing import Any

import yaml

from mlff_cli.errors import UserError

CONFIG = "config.yaml"

SAFE_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Eight times as fast where PyYAML was built with libyaml."""


def read_config(folder: Path, name: str = CONFIG) -> dict[str, Any]:
    """Return the config of the run in a folder, from the file of that name.

    Raises:
        UserError: The folder holds no run, or the file is damaged.
    """
    file = folder / name
    try:
        content = yaml.load(file.read_text(encoding="utf-8"), Loader=SAFE_LOADER)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UserError(f"{folder}: is no run folder ({name} is missing)") from error
    except (yaml.YAMLError, ValueError) as error:
        raise UserError(f"{file}: is damaged ({str(error).splitlines()[0]})") from error
    if not isinstance(content, dict):
        raise UserError(f"{file}: is damaged (keys and values are expected)")
    return content
