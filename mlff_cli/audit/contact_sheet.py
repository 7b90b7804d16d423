"""A contact sheet: a few images of every class of every product, on one page."""

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from mlff_cli.audit.page import INK, PAPER, Font, lettered, note_on, paste_tile
from mlff_cli.tasks.record import Record

_MARGIN = 4

NO_LABEL = "no label"


def contact_sheet(
    records: Sequence[Record], per_class: int = 8, *, tile: int = 128, max_rows: int = 60
) -> Image.Image:
    """Return a page with one row per (product, label), named at the left.

    The images of a row are taken at even distances from all of its records. A record of several
    labels stands in the row of each; one of none, in a row of its product that says so, unless it
    has numbers in place of labels.

    Args:
        records: Any records; images keep their proportions and are fitted into the tiles.
        per_class: Columns.
        tile: Side of a tile in pixels.
        max_rows: Rows at most; the last lines say how many more there would be, and of letters
            that no font has.
    """
    rows: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        for label in record.labels or ("" if record.targets else NO_LABEL,):
            rows.setdefault((record.product, label), []).append(record)
    shown = list(rows.items())[:max_rows]
    size, pitch = max(10, tile // 9), tile + _MARGIN
    titles = [_title(product, label, size) for (product, label), _ in shown]
    remark = _remark([names for names, _ in shown], len(rows) - len(shown))
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
        for column, record in enumerate(_evenly(members, per_class)):
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
