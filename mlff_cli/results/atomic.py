"""Files that are whole or not there."""

import os
from contextlib import suppress
from pathlib import Path


def write_atomically(path: Path, content: bytes | str) -> None:
    r"""Write under a temporary name beside `path`, then rename; text as UTF-8, folders made.

    Whoever reads `path` finds the old content or the new, also after a power cut. Bytes of file
    names that are no UTF-8 appear in text as ``\udcXX``.
    """
    data = content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        if error.errno is not None:
            error.filename = str(path)  # a full disk is reported without a name
        raise
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
