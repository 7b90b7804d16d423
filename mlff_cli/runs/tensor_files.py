"""Tensors of a growing state in files of their own: what does not change is written once.

With a fusion layer for each product a state grows by 0.3 MB a product. Written anew after each, the
two hundredth would cost more than learning it does.
"""

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from mlff_cli.runs.packing import packed
from mlff_cli.system.files import write_atomically

LEAST_BYTES = 4 << 20
"""A smaller state is quicker written as a whole."""
MOST_OUTDATED = 2
"""The files may take so many times the room of the tensors that are still in use."""

Places = Sequence[tuple[str, Sequence[str]]]
"""Name of a file and names of tensors in it, again and again in the order of all tensors."""


class _Kept(NamedTuple):
    file: str
    digest: str
    size: int


class TensorFiles:
    """The files `tensors-<number>.checkpoint` of a folder, and which tensors lie in which."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._kept: dict[str, _Kept] = {}

    @property
    def take_changes(self) -> bool:
        """Whether `keep` can be given what changed alone."""
        return bool(self._kept) and self._size() <= MOST_OUTDATED * self._size_in_use()

    @property
    def names(self) -> Collection[str]:
        """The tensors that were kept last."""
        return self._kept.keys()

    def keep(
        self, tensors: Mapping[str, Tensor], number: int, unchanged: Collection[str] = ()
    ) -> Places:
        """Write the tensors that are new or changed into the file of that number.

        Args:
            tensors: By name.
            number: Of the file.
            unchanged: Names of others, which stay where they are; may be given where this can
                `take_changes`.

        Returns:
            Where every tensor lies, those that are unchanged first; nothing where all of them
            together should be written elsewhere: there are few, or too much in the files is
            outdated.
        """
        file = self.folder / f"tensors-{number}.checkpoint"
        kept = {name: _Kept(file.name, tensor_digest(t), t.nbytes) for name, t in tensors.items()}
        fresh = []
        for name in tensors:
            before = self._kept.get(name)
            if before and before.digest == kept[name].digest:
                kept[name] = before
            else:
                fresh.append(name)
        if not unchanged:
            size = sum(own.size for own in kept.values())
            written = sum(kept[name].size for name in fresh) + self._size()
            if size < LEAST_BYTES or written > MOST_OUTDATED * size:
                self._kept = {}
                return []
        if fresh:
            write_atomically(file, packed({name: tensors[name] for name in fresh}))
        self._kept = {name: self._kept[name] for name in unchanged} | kept
        return self._places()

    def load(self, places: Any, read: Callable[[Path], Any]) -> dict[str, Tensor] | None:
        """Return tensors by name; None where a file is damaged.

        Args:
            places: What `keep` returned, read back.
            read: Returns what was packed into a file, None where it is missing or damaged.
        """
        tensors: dict[str, Tensor] = {}
        kept: dict[str, _Kept] = {}
        contents: dict[str, Any] = {}
        try:
            for place, names in places:
                if place not in contents:
                    # By its name alone: a path of a stranger's leads nowhere else.
                    contents[place] = read(self.folder / Path(place).name)
                for name in names:
                    tensors[name] = contents[place][name]
                    kept[name] = _Kept(place, tensor_digest(tensors[name]), tensors[name].nbytes)
        except (TypeError, ValueError, KeyError, AttributeError):
            return None
        self._kept = kept
        return tensors or None

    def remove_others(self) -> None:
        """Remove the files that no tensor of the last state lies in."""
        used = {kept.file for kept in self._kept.values()}
        for file in self._files():
            if file.name not in used:
                file.unlink(missing_ok=True)

    def _places(self) -> list[tuple[str, list[str]]]:
        together = groupby(self._kept.items(), key=lambda item: item[1].file)
        return [(file, [name for name, _ in items]) for file, items in together]

    def _files(self) -> list[Path]:
        return list(self.folder.glob("tensors-*.checkpoint"))

    def _size(self) -> int:
        used = {kept.file for kept in self._kept.values()}
        return sum(file.stat().st_size for file in self._files() if file.name in used)

    def _size_in_use(self) -> int:
        return sum(kept.size for kept in self._kept.values())


def tensor_digest(tensor: Tensor) -> str:
    """Return a hash of type, shape and content."""
    plain = tensor.detach().cpu().contiguous()
    digest = hashlib.sha256(f"{plain.dtype} {tuple(plain.shape)} ".encode())
    if plain.dtype == torch.bfloat16:  # NumPy has none
        plain = plain.reshape(-1).view(torch.uint8)
    digest.update(plain.numpy().data)
    return digest.hexdigest()
