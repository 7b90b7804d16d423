"""When Python looks for cycles of objects that nobody holds any more.

Importing torch makes some hundred thousand objects that stay. Looking at them again and again
costs a fifth of a second while they are made, and half a second when Python ends.
"""

import gc

USUAL = gc.get_threshold()


def while_importing() -> None:
    """Look rarely: nearly everything that is made now stays."""
    gc.set_threshold(100_000, 50, 50)


def while_working() -> None:
    """Look as often as usual, and not at what is there by now."""
    # Once: a sweep comes here for every run, and what the last one left behind must still be found.
    if not gc.get_freeze_count():
        gc.freeze()
    gc.set_threshold(*USUAL)


def at_the_end() -> None:
    """Do not look at anything that is there: the system takes it all back."""
    gc.freeze()
