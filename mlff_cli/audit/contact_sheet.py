"""A contact sheet: a few images of every class of every product, on one page."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from mlff_cli.audit.page import INK, PAPER, Font, lettered, note_on, paste_tile
from mlff_cli.system.files import write_atomically
from mlff_cli.tasks.record import Record

_MARGIN = 4

NO_LABEL = "no label"


@dataclass(frozen=True)
class Sheet:
    """What is on a contact sheet: one row per (product, label), and how many more there would be.

    The images of a row are taken at even distances from all of its records. A record of several
    labels stands in the row of each; one of none, in a row of its product that says so, unless it
    has numbers in place of labels.
    """

    rows: Sequence[tuple[tuple[str, str], Sequence[Record]]]
    per_class: int
    more: int

    @classmethod
    def of(cls, records: Sequence[Record], per_class: int = 8, *, max_rows: int = 60) -> "Sheet":
        """Choose from any records `per_class` columns and `max_rows` rows at most."""
        rows: dict[tuple[str, str], list[Record]] = {}
        for record in records:
            for label in record.labels or ("" if record.targets else NO_LABEL,):
                rows.setdefault((record.product, label), []).append(record)
        shown = list(rows.items())[:max_rows]
        return cls(
            [(names, _evenly(members, per_class)) for names, members in shown],
            per_class,
            len(rows) - len(shown),
        )


def write_sheet(sheet: Sheet, path: Path) -> None:
    """Draw a contact sheet into a PNG file."""
    picture = io.BytesIO()
    contact_sheet(sheet).save(picture, "png")
    write_atomically(path, picture.getvalue())


def contact_sheet(sheet: Sheet, *, tile: int = 128) -> Image.Image:
    """Return a page of tiles of so many pixels, each row named at the left.

    Images keep their proportions. The last lines say how many more rows there would be, and of
    letters that no font has.
    """
    shown, per_class = sheet.rows, sheet.per_class
    size, pitch = max(10, tile // 9), tile + _MARGIN
    titles = [_title(product, label, size) for (product, label), _ in shown]
    remark = _remark([names for names, _ in shown], sheet.more)
    below = (remark, ImageFont.load_default(size))
    left = _MARGIN * 2 + max((_extent(title)[0] for title in titles), default=0)
    width = max(left + per_class * pitch, 2 * _MARGIN + _extent(below)[0])
    footer = _extent(below)[1] + 2 * _MARGIN if remark else 0
    page = Image.new("RGB", (width, len(shown) * pitch + _MARGIN + footer), PAPER)
    pen = ImageDraw.Draw(page)
    for row, (_, members) in enumerate(shown):
        top = _MARGIN + row * pitch
        text, font = titles[row]
        pen.multiline_text((_MARGIN, top + tile // 3), text, INK, font)
        for column, record in enumerate(members):
            paste_tile(page, record, (left + column * pitch, top), tile)
    pen.multiline_text((_MARGIN, _MARGIN + len(shown) * pitch), remark, INK, below[1])
    return page


def _evenly(members: Sequence[Record], count: int) -> list[Record]:
    if len(members) <= count:
        return list(members)
    return [members[index * len(members) // count] for index in range(count)]


def _title(product: str, label: str, size: int, longest: int = 24) -> tuple[str, Font]:
    """Return the product over the label, on one line each however they are spelled, and a font."""
    lines, font = lettered([product, label], size)
    shown = [line if len(line) <= longest else line[: longest - 1] + "…" for line in lines if line]
    return "\n".join(shown), font


def _remark(rows: Sequence[tuple[str, str]], more: int) -> str:
    """Return what stands below the rows: how many more there are, and what is said of letters."""
    return "\n".join(filter(None, [f"and {more} more rows" if more else "", note_on(rows)]))


def _extent(written: tuple[str, Font]) -> tuple[int, int]:
    """Return width and height of a text in its font, in pixels."""
    pen = ImageDraw.Draw(Image.new("RGB", (1, 1)))
    _, _, right, bottom = pen.multiline_textbbox((0, 0), *written)
    return int(right), int(bottom)
