"""What every source of records is."""

from abc import ABC, abstractmethod

from mlff_cli.tasks.record import Record


class Dataset(ABC):
    """A source of records. The keyword arguments of a subclass are the keys of its YAML."""

    target_names: tuple[str, ...] = ()
    """Names of `Record.targets`, in order; empty without regression targets."""

    @abstractmethod
    def records(self) -> list[Record]:
        """Return every record, always in the same order.

        Products, batches and classes are ordered by first appearance here. Raises `UserError`
        where files are missing or wrong.
        """
