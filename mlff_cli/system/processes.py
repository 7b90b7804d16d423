"""The processes of this machine, and what it has for them."""

import os
from collections.abc import Callable
from multiprocessing import parent_process
from pathlib import Path
from threading import Thread

CONTAINER = Path("/sys/fs/cgroup")
"""Where Linux tells a process what its container may use."""


def cores() -> int:
    """Return how many cores of the processor this process may use, at least 1."""
    if hasattr(os, "sched_getaffinity"):
        count = len(os.sched_getaffinity(0))
    else:
        count = os.cpu_count() or 1
    match _limits("cpu.max"):
        case [quota, period]:
            return max(1, min(count, quota // period))
    return count


def memory() -> int:
    """Return how much memory this process and its like may use, in bytes."""
    import psutil

    return min([int(psutil.virtual_memory().total), *_limits("memory.max")])


def _limits(name: str) -> list[int]:
    """Return the numbers in a file of the container's; none where there is no limit."""
    try:
        words = (CONTAINER / name).read_text(encoding="ascii").split()
    except OSError:
        return []
    return [int(word) for word in words] if all(map(str.isdigit, words)) else []


def when_parent_ends(act: Callable[[], object]) -> None:
    """Do something when the process that started this one ends: nothing else would tell it."""

    def wait() -> None:
        parent = parent_process()
        if parent is not None:
            parent.join()
        act()

    Thread(target=wait, daemon=True).start()


def has_ended(process: int) -> bool:
    """Whether no process of this machine has that number; False for what is no process number."""
    import psutil

    try:
        return not psutil.pid_exists(process)
    except (OverflowError, ValueError):
        return False
