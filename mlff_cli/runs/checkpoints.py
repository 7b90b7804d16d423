"""The state of a run that may break off at any moment: whole on disk, or not there.

Tensors lie in safetensors, everything else beside them as JSON: nothing read back is executed.
"""

import hashlib
import json
import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load, save
from torch import Tensor

from mlff_cli.errors import UserError
from mlff_cli.methods.base import Journal, State
from mlff_cli.results.matrix import ScoreMatrix
from mlff_cli.system.files import write_atomically

FORMAT = 1

log = logging.getLogger(__name__)


class NewerFormatError(ValueError):
    """The content was written by a later version of this program."""


def packed(state: Any) -> bytes:
    """Return nested dictionaries, lists, numbers, texts and tensors as one safetensors file."""
    tensors: dict[str, Tensor] = {}

    def plain(value: Any) -> Any:
        if isinstance(value, Tensor):
            name = str(len(tensors))
            tensors[name] = value.detach().cpu().contiguous().clone()
            return {"tensor": name}
        if isinstance(value, Mapping):
            return {"pairs": [[key, plain(item)] for key, item in value.items()]}
        if isinstance(value, list | tuple):
            return {"items": [plain(item) for item in value]}
        return {"value": value}

    structure = json.dumps(plain(state))
    metadata = {"format": str(FORMAT), "structure": structure, "hash": _hash(structure, tensors)}
    return save(tensors, metadata=metadata)


def unpacked(content: bytes) -> Any:
    """Return what was `packed`; tuples come back as lists.

    Raises:
        NewerFormatError: A later version of this program wrote it.
        ValueError: The content is damaged.
    """
    try:
        tensors = load(content)
        length = int.from_bytes(content[:8], "little")
        metadata = json.loads(content[8 : 8 + length])["__metadata__"]
        if int(metadata["format"]) > FORMAT:
            raise NewerFormatError(f"format {metadata['format']}, expected {FORMAT}")
        if metadata["format"] != str(FORMAT) or metadata["hash"] != _hash(
            metadata["structure"], tensors
        ):
            raise ValueError("the hash does not fit")
        return _nested(json.loads(metadata["structure"]), tensors)
    except NewerFormatError:
        raise
    except Exception as error:
        # Damaged or made by a stranger: whatever a reader stumbles over.
        raise ValueError(str(error)) from error


def _nested(value: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Any:
    kind, content = next(iter(value.items()))
    if kind == "tensor":
        return tensors[content]
    if kind == "pairs":
        return {key: _nested(item, tensors) for key, item in content}
    if kind == "items":
        return [_nested(item, tensors) for item in content]
    return content


def _hash(structure: str, tensors: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256(structure.encode())
    for name in sorted(tensors):
        tensor = tensors[name].contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)} ".encode())
        # As bytes: NumPy has no bfloat16.
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


@dataclass
class Progress:
    """How far a run is: experiences finished, what they gave, and the method's state then."""

    finished: int
    scores: list[list[Any]]
    training_seconds: list[float]
    extraction_seconds: float
    peak_memory_mib: float
    state: State
    steps: list[dict[str, Any]] = field(default_factory=list)
    made_with: str = ""


def rows_of(matrix: ScoreMatrix) -> list[tuple[int, int, str, float | None, int | None]]:
    """Return the scores of a matrix: trained, scored, metric, value (None for nan), images."""
    return [
        (trained, scored, metric, None if math.isnan(value) else value, n)
        for trained, scored, metric, (value, n) in matrix.scored()
    ]


class Checkpoints:
    """The state of one run in `<run>/state`; one file, replaced as a whole."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "experiences.checkpoint"

    def save(self, progress: Progress) -> None:
        """Keep the state after an experience; what was kept within it is no longer needed."""
        write_atomically(self.file, packed(vars(progress) | {"state": vars(progress.state)}))
        self.within(progress.finished).unlink(missing_ok=True)

    def load(self) -> Progress | None:
        """Return the last state; None where there is none, or a damaged one.

        Raises:
            UserError: A later version of this program wrote it.
        """
        if not self.file.exists():
            return None
        progress = _progress(self.read(self.file))
        if progress is None:
            # What lies beside it belongs to experiences that have to be learned again.
            self.clear()
        return progress

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
        if self.folder.is_dir() and not any(self.folder.iterdir()):
            self.folder.rmdir()


def _progress(content: Any) -> Progress | None:
    """Return what a file of progress held; None where that was something else."""
    if not isinstance(content, dict) or set(content) != {item.name for item in fields(Progress)}:
        return None
    try:
        state = content["state"]
        heads = {name: tuple(outputs) for name, outputs in state["heads"].items()}
        return Progress(
            **content | {"state": State(heads, state["tensors"], state.get("kept", {}))}
        )
    except (TypeError, KeyError, AttributeError):
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
