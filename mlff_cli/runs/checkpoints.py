"""The state of a run that may break off at any moment: whole on disk, or not there."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mlff_cli.errors import UserError
from mlff_cli.methods.base import Journal, State
from mlff_cli.results.matrix import ScoreMatrix
from mlff_cli.runs.packing import NewerFormatError, packed, unpacked
from mlff_cli.runs.tensor_files import TensorFiles
from mlff_cli.system.files import write_atomically

GROUPS = ("tensors", "kept")
"""The fields of a state that hold tensors."""
APART = "apart"
"""Where the file of progress names the files of its tensors, if they lie apart."""

log = logging.getLogger(__name__)


@dataclass
class Progress:
    """How far a run is: experiences finished, what they gave, and the method's state then."""

    finished: int
    matrix: ScoreMatrix
    training_seconds: list[float]
    extraction_seconds: float
    peak_memory_mib: float
    state: State
    steps: list[dict[str, Any]] = field(default_factory=list)
    made_with: str = ""


class Checkpoints:
    """The state of one run in `<run>/state`; one file, replaced as a whole.

    Where it is large, tensors lie in files beside it, and those that do not change stay there.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "experiences.checkpoint"
        self._apart = TensorFiles(folder)

    @property
    def take_changes(self) -> bool:
        """Whether what changed of the state is enough to `save`: all else lies there already."""
        return self._apart.take_changes

    def save(self, progress: Progress) -> None:
        """Keep the state after an experience; what was kept within it is no longer needed.

        It is the whole state, or what changed of it where that is enough.
        """
        state = progress.state
        tensors = _tensors_of(state)
        # Of what is kept to learn on, a state always holds all.
        others = "" if state.whole else "tensors/"
        places = self._apart.keep(tensors, progress.finished, others)
        groups = {group: {} if places else getattr(state, group) for group in GROUPS}
        content = vars(progress) | {
            "state": {"heads": state.heads, **groups},
            "matrix": _packed(progress.matrix, progress.finished),
        }
        if places:
            content[APART] = places
        write_atomically(self.file, packed(content))
        self._apart.remove_others()
        self.within(progress.finished).unlink(missing_ok=True)

    def load(self) -> Progress | None:
        """Return the last state; None where there is none, or a damaged one.

        Raises:
            UserError: A later version of this program wrote it.
        """
        if not self.file.exists():
            return None
        content = self.read(self.file)
        progress = _progress(self._with_tensors(content))
        if progress is None:
            if content is not None:
                log.info("%s holds no whole state of this version: it is learned again", self.file)
            # What lies beside it belongs to experiences that have to be learned again.
            self.clear()
        return progress

    def _with_tensors(self, content: Any) -> Any:
        """Return what the file of progress held with what lies apart of it; None if damaged."""
        if not isinstance(content, dict) or APART not in content:
            return content
        tensors, state = self._apart.load(content.pop(APART), self.read), content.get("state")
        if tensors is None or not isinstance(state, dict):
            return None
        return content | {"state": state | _groups_of(tensors)}

    def read(self, file: Path) -> Any:
        """Return what a file of this folder holds, None where it is missing or damaged.

        Raises:
            UserError: A later version of this program wrote it.
        """
        try:
            return unpacked(file.read_bytes())
        except FileNotFoundError:
            return None
        except NewerFormatError as error:
            raise UserError(
                f"{file}: a newer version of this program wrote it ({error}); update this one "
                f"(pip install -U mlff), or remove the folder {self.folder} to start over"
            ) from error
        except ValueError as error:
            # A renamed file is whole; damage came later.
            log.info("%s is damaged (%s): what it kept is learned again", file, error)
            return None

    def within(self, index: int) -> Path:
        """Return the file of the state within a step, by the index of its last experience."""
        return self.folder / f"within-{index}.checkpoint"

    def clear(self) -> None:
        """Remove all state: the run is finished."""
        for file in self.folder.glob("*.checkpoint"):
            file.unlink()
        self._apart = TensorFiles(self.folder)
        if self.folder.is_dir() and not any(self.folder.iterdir()):
            self.folder.rmdir()


def _tensors_of(state: State) -> dict[str, Tensor]:
    """Return all tensors of a state by the name of its field and their own."""
    return {
        f"{group}/{name}": tensor
        for group in GROUPS
        for name, tensor in getattr(state, group).items()
    }


def _groups_of(tensors: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """Return what `_tensors_of` joined, by field and name."""
    return {
        group: {
            name.removeprefix(f"{group}/"): tensor
            for name, tensor in tensors.items()
            if name.startswith(f"{group}/")
        }
        for group in GROUPS
    }


def _packed(matrix: ScoreMatrix, finished: int) -> dict[str, Any]:
    """Return the scores of the trainings that are finished, as few and large tensors."""
    rows = {metric: matrix.first_rows(metric, finished) for metric in matrix.metrics}
    return {
        "experiences": matrix.experiences,
        "learned": matrix.learned,
        "rows": {name: [torch.from_numpy(array) for array in own] for name, own in rows.items()},
    }


def _unpacked(content: Any) -> ScoreMatrix:
    matrix = ScoreMatrix(content["experiences"], content["learned"])
    for metric, (values, counts) in content["rows"].items():
        matrix.take_rows(metric, values.numpy(), counts.numpy())
    return matrix


def _progress(content: Any) -> Progress | None:
    """Return what a file of progress held; None where that was something else."""
    if not isinstance(content, dict) or set(content) != {item.name for item in fields(Progress)}:
        return None
    try:
        state = content["state"]
        heads = {name: tuple(outputs) for name, outputs in state["heads"].items()}
        whole = State(heads, state["tensors"], state.get("kept", {}))
        return Progress(**content | {"state": whole, "matrix": _unpacked(content["matrix"])})
    except (TypeError, KeyError, AttributeError, ValueError, UserError):
        return None


class EpochJournal(Journal):
    """Keeps the state every so many epochs within a step.

    Attributes:
        index: Of the last experience of the step.
    """

    def __init__(self, checkpoints: Checkpoints, every: int, index: int) -> None:
        self.checkpoints = checkpoints
        self.every = every
        self.index = index

    def resume(self) -> Mapping[str, Any] | None:
        """Return the state kept within this step, if a run broke off there."""
        state = self.checkpoints.read(self._file)
        return state if isinstance(state, dict) else None

    def epoch_done(self, epoch: int, epochs: int, state: Callable[[], Mapping[str, Any]]) -> None:
        """Keep the state when its turn has come; after the last epoch the experience's follows."""
        if self.every and epoch % self.every == 0 and epoch < epochs:
            write_atomically(self._file, packed(state()))

    def interrupted(self, state: Mapping[str, Any]) -> None:
        """Keep the state, whatever its turn."""
        write_atomically(self._file, packed(state))
        log.info("told to stop: the state of this moment is kept in %s", self._file)

    @property
    def _file(self) -> Path:
        return self.checkpoints.within(self.index)
