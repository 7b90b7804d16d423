"""The processes of this machine, and what it has for them."""

import os


def cores() -> int:
    """Return how many cores of the processor this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def memory() -> int:
    """Return the memory of this machine in bytes."""
    import psutil

    return int(psutil.virtual_memory().total)


def has_ended(process: int) -> bool:
    """Whether no process of this machine has that number; False for what is no process number."""
    import psutil

    try:
        return not psutil.pid_exists(process)
    except (OverflowError, ValueError):
        return False
