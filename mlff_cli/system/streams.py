"""Standard output and error that take everything that is printed."""

import io
import os
import sys
from pathlib import Path


def prepare() -> None:
    r"""Let both streams show what their encoding lacks as escapes, and be there when closed.

    ``LANG=C`` has no "ü", and bytes of file names that are no UTF-8 are in no encoding.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # `mlff ... >&-`
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
