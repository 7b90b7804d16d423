"""The text of a CSV manifest to rows of cells, with the line that an editor shows for each."""

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mlff_cli.errors import UserError
from mlff_cli.tasks.record import one_form

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab"}


@dataclass(frozen=True)
class Manifest:
    """Column names, and per row its line (from 1, as in an editor) and its cells by column."""

    columns: tuple[str, ...]
    rows: tuple[tuple[int, Mapping[str, str]], ...]


def read_manifest(file: Path, must_have: str) -> Manifest:
    """Return the rows of a CSV file in UTF-8; names and cells without spaces around them.

    The separator (comma, semicolon or tab) is the one by which the header has the column
    `must_have`. Rows without any text are left out.

    Raises:
        UserError: The file cannot be read, is not UTF-8, has a broken row, or has no rows.
    """
    text = _text(file)
    header = text.split("\n", 1)[0]
    separator = _separator(header, must_have)
    lines = _lines(file, text, separator)
    _, names = next(lines, (1, []))
    columns = tuple(one_form(name.strip()) for name in names)
    twice = sorted({name for name in columns if name and columns.count(name) > 1})
    if twice:
        raise UserError(f"{file}, line 1: the column '{twice[0]}' stands there twice")
    rows = []
    for line, cells in lines:
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(columns):
            raise UserError(
                f"{file}, line {line}: {len(cells)} cells where the header has {len(columns)} "
                f"(separated by {SEPARATORS[separator]}); put a cell that holds the separator in "
                'double quotes ("...")'
            )
        rows.append((line, dict(zip(columns, (cell.strip() for cell in cells), strict=True))))
    if not rows:
        raise UserError(f"{file}: holds no row below its header; add one row per image")
    return Manifest(columns, tuple(rows))


def _text(file: Path) -> str:
    try:
        content = file.read_bytes()
    except IsADirectoryError:
        raise UserError(f"{file} is a folder; give the CSV file itself") from None
    except OSError as error:
        raise UserError(f"{file}: cannot be read: {error.strerror}") from error
    if not content.strip():
        raise UserError(f"{file} is empty; it needs a header and one row per image")
    save = "save it as UTF-8 (in Excel: 'CSV UTF-8')"
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UserError(f"{file} is UTF-16; {save}")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UserError(
            f"{file}, line {line}: the byte 0x{content[error.start]:02x} is not UTF-8 (Latin-1 or "
            f"Windows-1252?); {save}"
        ) from None
    if "\0" in text:
        raise UserError(f"{file} holds NUL bytes, so it is no CSV text; {save}")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _separator(header: str, must_have: str) -> str:
    def likeness(separator: str) -> tuple[bool, int]:
        names = [name.strip().strip('"') for name in header.split(separator)]
        return must_have in names and len(names) > 1, len(names)

    return max(SEPARATORS, key=likeness)


def _lines(file: Path, text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    while True:
        line = reader.line_num + 1  # of the row's first line: a quoted cell may span several
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise UserError(
                f'{file}, line {line}: {error}; is a closing double quote (") missing?'
            ) from None
        if cells is None:
            return
        yield line, cells
