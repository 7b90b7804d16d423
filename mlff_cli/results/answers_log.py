"""A file of answers that grows as they come, and can be gone on with after a stop at any moment."""

import csv
import json
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from hashlib import blake2b
from pathlib import Path
from typing import Any, BinaryIO

from mlff_cli.errors import UserError
from mlff_cli.results.answers import FORMATS, Line

OTHER = "give another output="


class AnswersLog:
    """Answers that stand in a file, and room for more behind them.

    Attributes:
        path: The file.
        count: The lines that stand in it.
    """

    def __init__(
        self,
        path: Path,
        columns: Sequence[str],
        *,
        products: Collection[str],
        fixed: Mapping[str, str],
    ) -> None:
        """Take what lines must hold; nothing is read or written until `opened`.

        Args:
            path: The file, whose ending says its format.
            columns: Of every line, `path`, `content` and `product` among them.
            products: Those that may have answered; "" counts as well.
            fixed: What stands in the last columns of every line.
        """
        self.path = path
        self.count = 0
        self._columns = list(columns)
        self._fixed = dict(fixed)
        self._may_stand = {"product": {"", *products}, **{k: {v} for k, v in fixed.items()}}
        self._first, self._text_of = FORMATS[path.suffix.lower()](columns)
        self._seen: set[bytes] = set()
        self._end = 0

    @contextmanager
    def opened(self) -> Iterator["AnswersLog"]:
        """Read what stands in the file, take back a last line that was broken off, and go on.

        The file is made where there is none.

        Raises:
            UserError: It is no file, or a line is damaged or none of these answers.
        """
        if self.path.exists() and not self.path.is_file():
            raise UserError(f"{self.path}: is no file; {OTHER}")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # Unbuffered: what is written is on its way to the disk, and no later flush fails again.
        with self.path.open("a+b", buffering=0) as self._file:
            self._read()
            if self._file.seek(0, os.SEEK_END) > self._end:
                self._file.truncate(self._end)
            if self._end == 0:
                self._write(self._first)
            yield self

    def holds(self, path: str, content: str) -> bool:
        """Return whether an image of that path and content (a hash) is answered."""
        return _mark(path, content) in self._seen

    def append(self, lines: Sequence[Line]) -> None:
        """Add lines; they are on the disk when this returns, or none of them is in the file.

        Raises:
            UserError: Somebody else has changed or replaced the file.
            OSError: It cannot be written.
        """
        self._refuse_changed()
        self._write("".join(map(self._text_of, lines)))
        self._seen.update(_mark(line["path"], line["content"]) for line in lines)
        self.count += len(lines)

    def _write(self, text: str) -> None:
        data = memoryview(text.encode("utf-8", "backslashreplace"))
        end = self._end + len(data)
        try:
            while data:
                data = data[self._file.write(data) :]
            os.fsync(self._file.fileno())
        except BaseException as error:
            with suppress(OSError):
                self._file.truncate(self._end)
            if isinstance(error, OSError):
                error.filename = str(self.path)  # a full disk is reported without a name
            raise
        self._end = end

    def _refuse_changed(self) -> None:
        try:
            there, own = self.path.stat(), os.fstat(self._file.fileno())
            same = os.path.samestat(there, own) and own.st_size == self._end
        except FileNotFoundError:
            same = False
        if not same:
            raise UserError(
                f"{self.path}: was changed, moved or removed by somebody else while answers were "
                f"added; put it back, and the same command goes on, or {OTHER}"
            )

    def _read(self) -> None:
        """Take in every whole line."""
        self._file.seek(0)
        with os.fdopen(self._file.fileno(), "rb", closefd=False) as reader:
            records = self._records(reader)
            if self._first and (first := next(records, None)) is not None:
                self._refuse_other_columns(self._cells(first, 1))
            for number, record in enumerate(records, start=2 if self._first else 1):
                self._take(self._line(record, number), number)

    def _records(self, file: BinaryIO) -> Iterator[bytes]:
        """Yield every whole line, which has line breaks in it where a name in quotes has."""
        record, quotes, ending = b"", 0, self._ending()
        for part in file:
            record += part
            quotes += part.count(b'"')
            # In a whole line of a CSV file quotes are paired; JSON has no line break within one.
            if part.endswith(b"\n") and not (self._first and quotes % 2):
                self._end += len(record)
                yield record
                record, quotes = b"", 0
            elif part.endswith(b"\n") and ending in part:
                raise self._damaged("a quote has no other one")
        begun_so = self._end > 0 or self._beginning().startswith(record[: len(self._beginning())])
        if not begun_so:
            raise self._damaged("it does not begin as answers do")

    def _beginning(self) -> bytes:
        """Return what a file begins with."""
        return (self._first or '{"path": ').encode("utf-8", "backslashreplace")

    def _ending(self) -> bytes:
        """Return what a line of a CSV file ends with; one that was broken off lacks it."""
        cells = self._text_of(self._fixed).lstrip(",").removesuffix("\n")
        return f",{cells}".encode("utf-8", "backslashreplace")

    def _line(self, record: bytes, number: int) -> Mapping[str, Any]:
        if self._first:
            cells = self._cells(record, number)
            if len(cells) != len(self._columns):
                raise self._damaged(f"{len(cells)} cells", number)
            return dict(zip(self._columns, cells, strict=True))
        try:
            line = dict(json.loads(record))
        except (ValueError, TypeError) as error:
            raise self._damaged(str(error), number) from error
        self._refuse_other_columns(list(line))
        return line

    def _cells(self, record: bytes, number: int) -> list[str]:
        try:
            (cells,) = csv.reader([record.decode()], strict=True)
        except (ValueError, csv.Error) as error:
            raise self._damaged(str(error), number) from error
        return cells

    def _take(self, line: Mapping[str, Any], number: int) -> None:
        for name, own in self._may_stand.items():
            if line[name] not in own:
                raise UserError(
                    f"{self.path}, line {number}: was answered by another {name} "
                    f"({str(line[name])[:40]}, here it is {max(own)[:40]}); {OTHER}"
                )
        self._seen.add(_mark(str(line["path"]), str(line["content"])))
        self.count += 1

    def _refuse_other_columns(self, columns: Sequence[str]) -> None:
        if columns != self._columns:
            other = sorted(set(columns) ^ set(self._columns)) or ["their order"]
            raise UserError(
                f"{self.path}: its columns are not those of these answers "
                f"({', '.join(other[:4])}); it is of another run or product, or no file of "
                f"answers; {OTHER}"
            )

    def _damaged(self, why: str, line: int | None = None) -> UserError:
        place = "" if line is None else f", line {line}"
        return UserError(f"{self.path}{place}: is damaged ({why}); mend it, or {OTHER}")


def _mark(path: str, content: str) -> bytes:
    """Return 16 bytes that stand for an image: many of them are held in memory.

    Bytes of a name that are no UTF-8 count as they are written.
    """
    text = f"{path}\0{content}".encode("utf-8", "backslashreplace")
    return blake2b(text, digest_size=16).digest()
