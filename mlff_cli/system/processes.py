"""Whether a process that left something behind is still there."""

import os


def has_ended(process: int) -> bool:
    """Whether no process of this machine has that number; False where it cannot be known."""
    if os.name != "posix":  # there, signal 0 is no question but an end
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        pass  # another user's, or no process number at all
    return False
