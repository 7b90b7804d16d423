"""The end of the process, without taking apart what the system takes back anyway."""

import atexit
import os
import sys
from contextlib import suppress


class Leaving:
    """Ends the process when everything registered after this with `atexit` is done.

    Python would then take apart every module one by one: a tenth of a second where torch is loaded.

    Attributes:
        code: The exit code; None leaves the end to Python.
    """

    def __init__(self) -> None:
        self.code: int | None = None
        # What is registered first is called last.
        atexit.register(self._leave)

    def _leave(self) -> None:
        if self.code is None:
            return
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):  # nobody reads it, or it is closed
                stream.flush()
        os._exit(self.code)
