"""Training and checking data, from Python."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlff_cli.config.composition import compose_config
from mlff_cli.config.overrides import words_of
from mlff_cli.library.frames import frame_of_table
from mlff_cli.library.guest import as_guest, folders_of
from mlff_cli.library.run import Run

if TYPE_CHECKING:
    from pandas import DataFrame


def train(
    *words: str,
    from_: Run | str | Path | None = None,
    config_dir: str | Path | Sequence[str | Path] = (),
    show: bool = False,
    **keys: Any,
) -> Run:
    """Learn a task's products one after another, and return the finished run.

    The same call again finds the run and returns it; one that broke off is resumed.

    Args:
        words: Choices and keys as on the command line: ``"task=surface_defect"``.
        from_: A finished run that this one goes on from.
        config_dir: Folders with choices of your own.
        show: Whether to say on the terminal what happens, with progress bars.
        keys: Choices and keys as Python values: ``task="custom", data={"root": folder}``.

    Raises:
        UserError: A word, key or value is wrong, or the images cannot be learned from.
    """
    from mlff_cli.commands.train import train as bring_to_its_end
    from mlff_cli.results.painter import Painter

    given = [*words, *words_of(keys)]
    if from_ is not None:
        given += words_of({"from": from_.folder if isinstance(from_, Run) else Path(from_)})
    with as_guest(["train", *given], show=show), Painter(beside=False) as painter:
        config = compose_config("train", given, folders_of(config_dir))
        return Run(bring_to_its_end(config, painter).path)


@dataclass(frozen=True)
class DataCheck:
    """What is known of a task's images.

    Attributes:
        passed: Whether the split can be trusted and every image can be read.
        verdict: In words.
        images: Counts of images, classes and groups by experience and split.
        balance: How often each class is there.
        floors: What answers reach that never look at an image.
        unreadable: Images that cannot be read: name and problem.
        folder: Where report and pictures lie.
    """

    passed: bool
    verdict: str
    images: "DataFrame"
    balance: "DataFrame"
    floors: "DataFrame"
    unreadable: tuple[tuple[str, str], ...]
    folder: Path


def check_data(
    *words: str,
    config_dir: str | Path | Sequence[str | Path] = (),
    show: bool = False,
    **keys: Any,
) -> DataCheck:
    """Check a task's images as ``mlff data check`` does: counts, floors, copies between splits.

    Takes what `train` takes, and ``backbones="none"``: no other backbone is tried.

    Raises:
        UserError: A word, key or value is wrong, or the images cannot be learned from.
    """
    from mlff_cli.commands.data import check

    given = [*words, *words_of(keys)]
    with as_guest(["data", "check", *given], show=show):
        checked = check(compose_config("check", given, folders_of(config_dir)))
    images, balance, floors = map(frame_of_table, checked.tables.values())
    return DataCheck(
        checked.passed,
        "; ".join(checked.lines),
        images,
        balance,
        floors,
        tuple(checked.skipped),
        checked.folder.absolute(),
    )
