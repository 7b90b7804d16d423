"""Files that are there whole or not at all."""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path


def write_by_renaming(path: Path, temporary: Path, parts: Sequence[bytes | memoryview]) -> None:
    """Write `parts` one after another to `temporary`, to the disk, and rename it to `path`.

    Whoever reads `path` finds the old content or the new, also after a power cut. Both lie in one
    folder, made when missing; whatever fails, `temporary` is gone after.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with temporary.open("wb") as file:
            for part in parts:
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


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
