"""A page of pairs of images, side by side, the most similar first."""

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from mlff_cli.audit.page import INK, PAPER, Font, lettered, note_on, paste_tile
from mlff_cli.tasks.record import Record

_MARGIN = 6


def pair_sheet(
    pairs: Sequence[tuple[Record, Record, str]],
    *,
    tile: int = 160,
    columns: int = 3,
    most: int = 60,
) -> Image.Image:
    """Return a page on which each pair stands under its remark and the names of both images.

    Args:
        pairs: Two records and a remark.
        tile: Side of a picture in pixels; pictures keep their proportions.
        columns: Pairs side by side.
        most: Pairs at most; the last lines say how many more there are, and of letters that no
            font has.
    """
    shown = pairs[:most]
    size = max(10, tile // 14)
    text_height = 3 * (size + 4)
    width, height = 2 * tile + 2 * _MARGIN, text_height + tile + 2 * _MARGIN
    rows = -(-len(shown) // columns)
    remark = f"and {len(pairs) - len(shown)} more pairs" if len(pairs) > len(shown) else ""
    note = note_on([record.name] for *both, _ in shown for record in both)
    footer = (size + 4) * 2 if remark and note else size
    page = Image.new("RGB", (columns * width, rows * height + footer + 2 * _MARGIN), PAPER)
    pen = ImageDraw.Draw(page)
    for place, (left, right, said) in enumerate(shown):
        x, y = place % columns * width + _MARGIN, place // columns * height + _MARGIN
        for number, line in enumerate([said, left.name, right.name]):
            (text,), font = lettered([line], size)
            at = (x, y + number * (size + 4))
            pen.text(at, _fitting(text, 2 * tile, font) if number else text, INK, font)
        for number, record in enumerate((left, right)):
            paste_tile(page, record, (x + number * (tile + 2), y + text_height), tile)
    below = "\n".join(filter(None, [remark, note]))
    at = (_MARGIN, rows * height + _MARGIN)
    pen.multiline_text(at, below, INK, ImageFont.load_default(size))
    return page


def _fitting(name: str, width: int, font: Font) -> str:
    """Return the end of a name, which tells images apart, as far as it fits."""
    # No letter is narrower than a pixel.
    line = name[-width:]
    while font.getlength(line) > width:
        line = "…" + line[2:]
    return line
