"""What to say about an error: one that was foreseen, and any other."""

import errno
import traceback
from pathlib import Path

from mlff_cli.errors import UserError

FULL = (errno.ENOSPC, errno.EDQUOT)


def explained(error: Exception) -> tuple[str, int]:
    """Return a line for people and the exit code: 2 what they can fix, 1 this program's fault."""
    if isinstance(error, UserError):
        return str(error), 2
    if is_out_of_memory(error):
        return (
            "out of memory; lower method.batch_size, trainer.batch_size or data.image_size, or "
            "make room; the same command resumes the run",
            2,
        )
    if isinstance(error, RuntimeError) and str(error).startswith("DataLoader worker"):
        return (
            "a process that decodes images was killed, often for lack of memory; the "
            "same command resumes the run; trainer.workers=0 does without such processes",
            2,
        )
    if isinstance(error, OSError) and error.errno is not None:
        name = f"{error.filename}: " if error.filename else ""
        if error.errno in FULL:
            return (
                f"{name}no space is left on the disk; make room, and the same command "
                "resumes the run",
                2,
            )
        return f"{name}cannot be read or written ({error.strerror}); fix that and try again", 2
    return (
        f"internal error, {type(error).__name__}: {_first_line(error)} ({_place(error)}); "
        "--debug shows the traceback for a report; nothing that was finished is harmed",
        1,
    )


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, of the processor or of an accelerator; torch has no one type."""
    if isinstance(error, MemoryError):
        return True
    said = str(error).lower()
    return isinstance(error, RuntimeError) and (
        "out of memory" in said or "can't allocate memory" in said
    )


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else "no message"


def _place(error: Exception) -> str:
    """Return where in this program it happened, or else where in what it uses."""
    frames = traceback.extract_tb(error.__traceback__)
    package = Path(__file__).parents[1]
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(package)]
    if not frames:
        return "place unknown"
    last = (own or frames)[-1]
    return f"{Path(last.filename).name}, line {last.lineno}, {last.name}"
