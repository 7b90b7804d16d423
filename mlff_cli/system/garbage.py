"""When Python looks for cycles of objects that nobody holds any more.

Importing torch makes some hundred thousand objects that stay. Looking at them again and again
costs a fifth of a second while they are made, and half a second when Python ends.
"""

import gc
from functools import cache

USUAL = gc.get_threshold()

set_aside_once = cache(gc.freeze)
"""A sweep works again and again, and what a run left behind must still be found.

Counting what is set aside already would take 30 ms of each run.
"""


def while_importing() -> None:
    """Look rarely: nearly everything that is made now stays."""
    gc.set_threshold(100_000, 50, 50)


def while_working() -> None:
    """Look as often as usual, and not at what is there by now."""
    set_aside_once()
    gc.set_threshold(*USUAL)


def at_the_end() -> None:
    """Do not look at anything that is there: the system takes it all back."""
    gc.freeze()
