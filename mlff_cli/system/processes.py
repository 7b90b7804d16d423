"""Whether a process that left something behind is still there."""


def has_ended(process: int) -> bool:
    """Whether no process of this machine has that number; False for what is no process number."""
    import psutil

    try:
        return not psutil.pid_exists(process)
    except (OverflowError, ValueError):
        return False
