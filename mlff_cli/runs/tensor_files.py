"""Tensors of a growing state in files of their own: what does not change is written once.

With a fusion layer for each product a state grows by 0.3 MB a product. Written anew after each, the
two hundredth would cost more than learning it does.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
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

Places = Sequence[tuple[str, Sequence[str] | None]]
"""Name of a file and names of tensors in it (None: all of its own, in its order), again and again
in the order of all tensors."""


class _Kept(NamedTuple):
    file: str
    digest: str
    size: int


class _File(NamedTuple):
    names: list[str]
    size: int


class TensorFiles:
    """The files `tensors-<number>.checkpoint` of a folder, and which tensors lie in which."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._kept: dict[str, _Kept] = {}
        self._files: dict[str, _File] = {}

    @property
    def take_changes(self) -> bool:
        """Whether `keep` can be given what changed alone."""
        return bool(self._kept) and self._size() <= MOST_OUTDATED * self._size_in_use()

    def keep(self, tensors: Mapping[str, Tensor], number: int, others: str = "") -> Places:
        """Write the tensors that are new or changed into the file of that number.

        Args:
            tensors: By name.
            number: Of the file.
            others: How the names of those begin that stay as they were kept, where they are not
                given; may be asked for where this can `take_changes`.

        Returns:
            Where every tensor lies; nothing where all of them together should be written
            elsewhere: there are few, or too much in the files is outdated.
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
        if others:
            stay = {name: own for name, own in self._kept.items() if name.startswith(others)}
            kept = stay | kept
        else:
            size = sum(own.size for own in kept.values())
            written = sum(kept[name].size for name in fresh) + self._size()
            if size < LEAST_BYTES or written > MOST_OUTDATED * size:
                self._kept = {}
                return []
        if fresh:
            content = packed({name: tensors[name] for name in fresh})
            write_atomically(file, content)
            self._files[file.name] = _File(fresh, len(content))
        self._kept = kept
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
                # By its name alone: a path of a stranger's leads nowhere else.
                file = Path(place).name
                if file not in contents:
                    path = self.folder / file
                    contents[file] = read(path)
                    self._files[file] = _File(list(contents[file]), path.stat().st_size)
                for name in self._files[file].names if names is None else names:
                    tensors[name] = contents[file][name]
                    kept[name] = _Kept(file, tensor_digest(tensors[name]), tensors[name].nbytes)
        except (TypeError, ValueError, KeyError, AttributeError, OSError):
            return None
        self._kept = kept
        return tensors or None

    def remove_others(self) -> None:
        """Remove the files that no tensor of the last state lies in."""
        used = self._in_use()
        for file in self.folder.glob("tensors-*.checkpoint"):
            if file.name not in used:
                file.unlink(missing_ok=True)
                self._files.pop(file.name, None)

    def _places(self) -> Places:
        together = groupby(self._kept.items(), key=lambda item: item[1].file)
        runs = [(file, [name for name, _ in items]) for file, items in together]
        return [(file, None if names == self._files[file].names else names) for file, names in runs]

    def _in_use(self) -> set[str]:
        return {kept.file for kept in self._kept.values()}

    def _size(self) -> int:
        return sum(self._files[name].size for name in self._in_use())

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
