"""A file of answers that one process alone adds to."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from mlff_cli.errors import UserError
from mlff_cli.runs.folder_lock import acquire, noted, this_process
from mlff_cli.system.files import write_atomically


@contextmanager
def held(output: Path) -> Iterator[None]:
    """Hold a file of answers alone; its folder is made. A hidden, empty file stays beside it.

    Raises:
        UserError: Another process holds it.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    lock, note = _lock(output), _note(output)
    try:
        acquire(lock, note)
    except Timeout as error:
        raise _refusal(output) from error
    try:
        write_atomically(note, json.dumps(this_process()))
        yield
    finally:
        with suppress(OSError):
            note.unlink(missing_ok=True)
        lock.release()


def refuse_held(output: Path) -> None:
    """Raise `UserError` where a process holds a file of answers; a look that leaves no trace."""
    lock = _lock(output)
    if Path(lock.lock_file).exists():
        try:
            with lock.acquire(timeout=0):
                return
        except Timeout as error:
            raise _refusal(output) from error


def _lock(output: Path) -> FileLock:
    return FileLock(output.with_name(f".{output.name}.lock"))


def _note(output: Path) -> Path:
    return output.with_name(f".{output.name}.running")


def _refusal(output: Path) -> UserError:
    holder = noted(_note(output))
    return UserError(
        f"output={output}: process {holder.get('process', '?')} on {holder.get('host', '?')} has "
        f"been adding answers to it since {holder.get('since', '?')}; stop it, or give another file"
    )
