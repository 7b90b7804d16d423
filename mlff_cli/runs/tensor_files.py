"""Tensors of a growing state in files of their own: what does not change is written once.

With a fusion layer for each product a state grows by 0.3 MB a product. Written anew after each, the
two hundredth would cost more than learning it does.
"""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mlff_cli.runs.packing import packed
from mlff_cli.system.files import write_atomically

LEAST_BYTES = 4 << 20
"""A smaller state is quicker written as a whole."""
MOST_OUTDATED = 2
"""The files may take so many times the room of the tensors that are still in use."""

Places = Mapping[str, str]
"""Name of a tensor -> name of the file that it lies in."""


class TensorFiles:
    """The files `tensors-<number>.checkpoint` of a folder, and which tensors lie in which."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._places: dict[str, str] = {}
        self._digests: dict[str, str] = {}

    def keep(self, tensors: Mapping[str, Tensor], number: int) -> Places:
        """Write the tensors that are new or changed into the file of that number.

        Returns:
            Where every tensor lies, in the order given; nothing where all of them together should
            be written elsewhere: there are few, or too much in the files is outdated.
        """
        digests = {name: digest_of(tensor) for name, tensor in tensors.items()}
        fresh = [name for name in tensors if self._digests.get(name) != digests[name]]
        size = sum(tensor.nbytes for tensor in tensors.values())
        written = sum(tensors[name].nbytes for name in fresh) + self._size()
        if size < LEAST_BYTES or written > MOST_OUTDATED * size:
            self._places, self._digests = {}, {}
            return {}
        file = self.folder / f"tensors-{number}.checkpoint"
        if fresh:
            write_atomically(file, packed({name: tensors[name] for name in fresh}))
        new = dict.fromkeys(fresh, file.name)
        self._places = {name: new.get(name) or self._places[name] for name in tensors}
        self._digests = digests
        return self._places

    def load(self, places: Any, read: Callable[[Path], Any]) -> dict[str, Tensor] | None:
        """Return tensors by name, in the order of their places; None where a file is damaged.

        Args:
            places: What `keep` returned, read back.
            read: Returns what was packed into a file, None where it is missing or damaged.
        """
        if not isinstance(places, dict) or not all(isinstance(p, str) for p in places.values()):
            return None
        # By its name alone: a path of a stranger's leads nowhere else.
        files = {name: read(self.folder / Path(name).name) for name in set(places.values())}
        tensors = {}
        for name, place in places.items():
            content = files[place]
            if not isinstance(content, dict) or not isinstance(content.get(name), Tensor):
                return None
            tensors[name] = content[name]
        self._places = dict(places)
        self._digests = {name: digest_of(tensor) for name, tensor in tensors.items()}
        return tensors

    def remove_others(self) -> None:
        """Remove the files that no tensor of the last state lies in."""
        used = set(self._places.values())
        for file in self._files():
            if file.name not in used:
                file.unlink(missing_ok=True)

    def _files(self) -> list[Path]:
        return list(self.folder.glob("tensors-*.checkpoint"))

    def _size(self) -> int:
        used = set(self._places.values())
        return sum(file.stat().st_size for file in self._files() if file.name in used)


def digest_of(tensor: Tensor) -> str:
    """Return a hash of type, shape and content."""
    plain = tensor.detach().cpu().contiguous()
    digest = hashlib.sha256(f"{plain.dtype} {tuple(plain.shape)} ".encode())
    if plain.dtype == torch.bfloat16:  # NumPy has none
        plain = plain.reshape(-1).view(torch.uint8)
    digest.update(plain.numpy().data)
    return digest.hexdigest()
