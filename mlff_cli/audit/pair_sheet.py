"""A page of pairs of images, side by side, the most similar first."""

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont, ImageOps

from mlff_cli.tasks.record import Record

_MARGIN = 6
_PAPER, _INK = (255, 255, 255), (40, 40, 40)


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
        most: Pairs at most; the last line says how many more there are.
    """
    shown = pairs[:most]
    size = max(10, tile // 14)
    font = ImageFont.load_default(size)
    text_height = 3 * (size + 4)
    width, height = 2 * tile + 2 * _MARGIN, text_height + tile + 2 * _MARGIN
    rows = -(-len(shown) // columns)
    remark = f"and {len(pairs) - len(shown)} more pairs" if len(pairs) > len(shown) else ""
    page = Image.new("RGB", (columns * width, rows * height + size + 2 * _MARGIN), _PAPER)
    pen = ImageDraw.Draw(page)
    for place, (left, right, said) in enumerate(shown):
        x, y = place % columns * width + _MARGIN, place // columns * height + _MARGIN
        lines = [said, *(_fitting(record.name, 2 * tile, font) for record in (left, right))]
        for number, line in enumerate(lines):
            pen.text((x, y + number * (size + 4)), line, _INK, font)
        for number, record in enumerate((left, right)):
            picture = Image.fromarray(record.image.load())
            padded = ImageOps.pad(picture, (tile, tile), color=_PAPER)
            page.paste(padded, (x + number * (tile + 2), y + text_height))
    pen.text((_MARGIN, rows * height + _MARGIN), remark, _INK, font)
    return page


def _fitting(name: str, width: int, font: "ImageFont.FreeTypeFont | ImageFont.ImageFont") -> str:
    """Return the end of a name, which tells images apart, as far as it fits."""
    # No letter is narrower than a pixel.
    line = " ".join(name.split())[-width:]
    while font.getlength(line) > width:
        line = "…" + line[2:]
    return line
