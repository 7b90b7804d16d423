"""Which rows a folder of shards holds, where they stand, and which shards are damaged."""

import logging
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mlff_cli.errors import UserError
from mlff_cli.features.store.files import unreadable
from mlff_cli.features.store.row_index import RowIndex
from mlff_cli.features.store.shard_header import SHARD_NAME, ShardDamageError
from mlff_cli.features.store.shards import Shard, set_aside

logger = logging.getLogger(__name__)


class MissingRowsError(UserError):
    """Rows that were asked for are not stored, or not any more."""


class Place(NamedTuple):
    """Where each row of the features `names` stands: position in `shards` and row in it, or -1."""

    names: list[str]
    shards: tuple[Shard, ...]
    shard: NDArray[np.intp]
    row: NDArray[np.intp]

    def shape(self, name: str) -> tuple[int, ...]:
        """Return the shape of one row of a feature; () where no shard holds it."""
        return self.shards[0].blocks[name].shape[1:] if self.shards else ()

    def empty(self, name: str, rows: int) -> NDArray[Any]:
        """Return room (rows, ...) for rows of a feature."""
        dtype = self.shards[0].blocks[name].dtype if self.shards else np.float32
        return np.empty((rows, *self.shape(name)), dtype)


class ShardCatalog:
    """The shards of one folder, as of the last `refresh`; other processes may add and remove."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.shards: dict[str, Shard] = {}
        self._ignored: set[str] = set()
        self._indexes: dict[str, RowIndex | None] = {}
        self.refresh()

    def refresh(self, written: Iterable[str] = ()) -> None:
        """Take in the shards that are there now; `written` are names of new ones.

        Raises:
            UserError: The folder or a shard must not be read.
        """
        self._ignored.difference_update(written)
        try:
            with os.scandir(self.path) as entries:  # before every read: no path for each file
                found = {entry.name for entry in entries}
        except FileNotFoundError:
            found = set()
        except PermissionError as error:
            raise unreadable(self.path, error) from error
        found -= self._ignored
        before = set(self.shards)
        for name in before - found:
            del self.shards[name]
        for name in sorted(filter(SHARD_NAME.fullmatch, found - before)):
            try:
                self.shards[name] = Shard.open(self.path / name)
            except ShardDamageError as damage:
                self.set_aside(damage)
            except FileNotFoundError:
                pass  # merged or deleted by another process since the listing
        if set(self.shards) != before:
            self._indexes.clear()

    def locate(self, keys: NDArray[np.uint8], names: Sequence[str]) -> list[Place]:
        """Find the rows `keys` (N, 16) in shards whose features `names` match their checksums."""
        while True:
            places = []
            damages: list[ShardDamageError] = []
            vanished = False
            for index, together in self._by_index(names):
                if index is None:
                    absent = np.full(len(keys), -1, np.intp)
                    places.append(Place(together, (), absent, absent))
                    continue
                place = Place(together, index.shards, *index.find(keys))
                places.append(place)
                for number in np.unique(place.shard[place.shard >= 0]):
                    try:
                        place.shards[number].verify(together)
                    except ShardDamageError as damage:
                        damages.append(damage)
                    except FileNotFoundError:
                        vanished = True
            for found in damages:
                self.set_aside(found)
            if vanished:
                self.refresh()
            elif not damages:
                return places

    def located(self, keys: NDArray[np.uint8], names: Sequence[str]) -> list[Place]:
        """Find the rows `keys` (N, 16), all of which must be there.

        Raises:
            MissingRowsError: Rows are not there.
        """
        places = self.locate(keys, names)
        for place in places:
            if absent := int((place.shard < 0).sum()):
                raise MissingRowsError(
                    f"{self.path}: {absent:,} of {len(keys):,} rows of {', '.join(place.names)} "
                    "are not stored (any more); start the command again to compute them"
                )
        return places

    def take(self, places: Sequence[Place], positions: NDArray[np.intp]) -> dict[str, NDArray[Any]]:
        """Return of each feature the rows (n, ...) that stand at `positions` (n,) of `places`.

        Raises:
            MissingRowsError: Rows are not there any more.
        """
        outputs: dict[str, NDArray[Any]] = {}
        for place in places:
            for name in place.names:
                outputs[name] = place.empty(name, len(positions))
            row = place.row[positions]
            for number, chosen in _grouped(place.shard[positions]):
                rows = self._take(place.shards[number], place.names, row[chosen])
                for name, values in zip(place.names, rows, strict=True):
                    outputs[name][chosen] = values
        return outputs

    def gather(self, keys: NDArray[np.uint8], names: Sequence[str]) -> dict[str, NDArray[Any]]:
        """Return the rows (N, ...) of each feature in the order of `keys` (N, 16).

        Raises:
            MissingRowsError: Rows are not there.
        """
        return self.take(self.located(keys, names), np.arange(len(keys)))

    def set_aside(self, damage: ShardDamageError) -> None:
        """Say what is lost, and keep the shard from being read again, here and elsewhere."""
        rows = "its" if damage.rows is None else f"its {damage.rows:,}"
        logger.warning("%s; %s rows are computed again when they are needed", damage, rows)
        self.shards.pop(damage.path.name, None)
        self._indexes.clear()
        if not set_aside(damage.path):
            self._ignored.add(damage.path.name)

    def _take(
        self, shard: Shard, names: Sequence[str], rows: NDArray[np.intp]
    ) -> list[NDArray[Any]]:
        try:
            return shard.take(names, rows)
        except (ShardDamageError, FileNotFoundError) as error:
            if isinstance(error, ShardDamageError):
                self.set_aside(error)
            raise MissingRowsError(
                f"{shard.path} was changed or deleted while it was read; start the command again "
                "to compute its rows"
            ) from error

    def _by_index(self, names: Iterable[str]) -> list[tuple[RowIndex | None, list[str]]]:
        """Group names that are held by the same shards, so that keys are looked up once."""
        groups: dict[int, tuple[RowIndex | None, list[str]]] = {}
        for name in dict.fromkeys(names):
            if name not in self._indexes:
                self._indexes[name] = self._index(name)
            index = self._indexes[name]
            groups.setdefault(id(index), (index, []))[1].append(name)
        return list(groups.values())

    def _index(self, name: str) -> RowIndex | None:
        holders = tuple(shard for shard in self.shards.values() if name in shard.blocks)
        if not holders:
            return None
        for index in set(filter(None, self._indexes.values())):
            if index.shards == holders:
                return index
        return RowIndex(holders)


def _grouped(numbers: NDArray[np.intp]) -> Iterable[tuple[int, NDArray[np.intp]]]:
    """Yield each number and the positions where it stands."""
    order = np.argsort(numbers, kind="stable")
    values, starts = np.unique(numbers[order], return_index=True)
    return zip(values.tolist(), np.split(order, starts)[1:], strict=True)
