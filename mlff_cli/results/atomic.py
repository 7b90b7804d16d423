"""A run's files, whole or not there."""

import os
from pathlib import Path

from mlff_cli.whole_files import write_by_renaming


def write_atomically(path: Path, content: bytes | str) -> None:
    r"""Write `content` in one piece; text as UTF-8, folders made.

    Bytes of file names that are no UTF-8 appear in text as ``\udcXX``.
    """
    data = content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content
    try:
        write_by_renaming(path, path.with_name(f".{path.name}.{os.getpid()}.tmp"), [data])
    except OSError as error:
        if error.errno is not None:
            error.filename = str(path)  # a full disk is reported without a name
        raise
