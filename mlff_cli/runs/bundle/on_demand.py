"""What is loaded when it is asked for."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Generic, TypeVar

T = TypeVar("T")

KEPT = 16
"""Products whose tensors stay in memory."""


class OnDemand(Mapping[str, T], Generic[T]):
    """What is loaded when it is asked for, by name; the last ones stay.

    Attributes:
        names: All that there are.
    """

    def __init__(
        self, names: Sequence[str], load: Callable[[str], T], kept: int | None = KEPT
    ) -> None:
        self.names = dict.fromkeys(names)
        self._load = lru_cache(kept)(load)

    def __getitem__(self, name: str) -> T:
        if name not in self.names:
            raise KeyError(name)
        return self._load(name)

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)
