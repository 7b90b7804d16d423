"""The state of a run that may break off at any moment: whole on disk, or not there.

Tensors lie in safetensors, everything else beside them as JSON: nothing read back is executed.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import load, save
from torch import Tensor

from mlff_cli.methods.base import Journal
from mlff_cli.results.atomic import write_atomically

FORMAT = "1"


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
    return save(tensors, metadata={"format": FORMAT, "structure": structure})


def unpacked(content: bytes) -> Any:
    """Return what was `packed`; tuples come back as lists.

    Raises:
        ValueError: The content is damaged or of another format.
    """
    try:
        tensors = load(content)
        length = int.from_bytes(content[:8], "little")
        metadata = json.loads(content[8 : 8 + length])["__metadata__"]
        if metadata["format"] != FORMAT:
            raise ValueError(f"format {metadata['format']}, expected {FORMAT}")
        structure = json.loads(metadata["structure"])
    except Exception as error:
        raise ValueError(str(error)) from error

    def nested(value: Mapping[str, Any]) -> Any:
        kind, content = next(iter(value.items()))
        if kind == "tensor":
            return tensors[content]
        if kind == "pairs":
            return {key: nested(item) for key, item in content}
        if kind == "items":
            return [nested(item) for item in content]
        return content

    return nested(structure)


@dataclass
class Progress:
    """How far a run is: experiences finished, what they gave, and the method's state then."""

    finished: int
    scores: list[list[Any]]
    training_seconds: list[float]
    extraction_seconds: float
    peak_memory_mib: float
    state: dict[str, Tensor]


class Checkpoints:
    """The state of one run in `<run>/state`; one file, replaced as a whole."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "experiences.safetensors"

    def save(self, progress: Progress) -> None:
        """Keep the state after an experience; what was kept within it is no longer needed."""
        write_atomically(self.file, packed(vars(progress)))
        self.within(progress.finished).unlink(missing_ok=True)

    def load(self) -> Progress | None:
        """Return the last state; None where there is none, or a damaged one."""
        try:
            return Progress(**unpacked(self.file.read_bytes()))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError):
            # A renamed file is whole; damage came later, and the run starts over.
            return None

    def within(self, experience: int) -> Path:
        """Return the file of the state within an experience."""
        return self.folder / f"within-{experience}.safetensors"

    def clear(self) -> None:
        """Remove all state: the run is finished."""
        for file in self.folder.glob("*.safetensors"):
            file.unlink()
        if self.folder.is_dir() and not any(self.folder.iterdir()):
            self.folder.rmdir()


class EpochJournal(Journal):
    """Keeps the state every so many epochs within an experience."""

    def __init__(self, checkpoints: Checkpoints, every: int) -> None:
        self.checkpoints = checkpoints
        self.every = every
        self.experience = 0

    def resume(self) -> Mapping[str, Any] | None:
        """Return the state kept within this experience, if a run broke off there."""
        try:
            state = unpacked(self.checkpoints.within(self.experience).read_bytes())
        except (FileNotFoundError, ValueError):
            return None
        assert isinstance(state, dict)
        return state

    def epoch_done(self, epoch: int, epochs: int, state: Callable[[], Mapping[str, Any]]) -> None:
        """Keep the state when its turn has come; after the last epoch the experience's follows."""
        if self.every and epoch % self.every == 0 and epoch < epochs:
            write_atomically(self.checkpoints.within(self.experience), packed(state()))
