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
