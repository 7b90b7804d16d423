"""How to work in somebody else's process, and leave it as it was."""

import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from mlff_cli.config.overrides import typed
from mlff_cli.errors import UserError
from mlff_cli.system.failures import explained
from mlff_cli.system.silence import silence

ONE_AT_A_TIME = threading.RLock()
"""Random numbers, threads of the processor and Hydra's state are the whole process's."""


@contextmanager
def as_guest(words: Sequence[str] = (), *, show: bool = False) -> Iterator[None]:
    """Carry something out for a caller whose random numbers and logging stay as they are.

    Args:
        words: The command that would have done the same.
        show: Whether to say on the terminal what the command would say.

    Raises:
        UserError: Whatever can be fixed, in the words of the command line.
    """
    import torch

    cards = range(torch.cuda.device_count())
    with (
        ONE_AT_A_TIME,
        torch.random.fork_rng(cards),
        silence(not show),
        typed(words),
        warnings.catch_warnings(),
    ):
        # Said of progress bars, which nobody asked for, when some other package is imported.
        warnings.filterwarnings("ignore", "IProgress not found")
        try:
            yield
        except UserError:
            raise
        except Exception as error:
            said, code = explained(error)
            if code == 2:
                raise UserError(said) from error
            raise


def folders_of(config_dir: str | Path | Sequence[str | Path]) -> list[Path]:
    """Return folders of somebody's own configs as they are given to a command.

    Raises:
        UserError: One of them does not exist.
    """
    given = [config_dir] if isinstance(config_dir, str | Path) else config_dir
    folders = [Path(folder).expanduser().absolute() for folder in given]
    for folder in folders:
        if not folder.is_dir():
            raise UserError(f"config_dir: there is no folder '{folder}'")
    return folders
