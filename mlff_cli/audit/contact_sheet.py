"""A contact sheet: a few images of every class of every product, on one page."""

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont, ImageOps

from mlff_cli.tasks.record import Record

_MARGIN = 4
_PAPER, _INK = (255, 255, 255), (40, 40, 40)


def contact_sheet(
    records: Sequence[Record], per_class: int = 8, *, tile: int = 128, max_rows: int = 60
) -> Image.Image:
    """Return a page with one row per (product, label), named at the left.

    The images of a row are taken at even distances from all of its records. A record of several
    labels stands in the row of each; one of none, in a row of its product.

    Args:
        records: Any records; images keep their proportions and are fitted into the tiles.
        per_class: Columns.
        tile: Side of a tile in pixels.
        max_rows: Rows at most; the last line says how many more there would be.
    """
    rows: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        for label in record.labels or ("",):
            rows.setdefault((record.product, label), []).append(record)
    shown = list(rows.items())[:max_rows]
    font = ImageFont.load_default(max(10, tile // 9))
    titles = [_title(product, label) for (product, label), _ in shown]
    remark = "" if len(shown) == len(rows) else f"and {len(rows) - len(shown)} more rows"
    measure = ImageDraw.Draw(Image.new("RGB", (1, 1)))
    texts = [*titles, remark]
    left = _MARGIN * 2 + max(int(measure.multiline_textbbox((0, 0), t, font)[2]) for t in texts)
    pitch = tile + _MARGIN
    footer = 2 * tile // 9 + _MARGIN if remark else 0
    width = left + per_class * pitch
    page = Image.new("RGB", (width, len(shown) * pitch + _MARGIN + footer), _PAPER)
    pen = ImageDraw.Draw(page)
    for row, (_, members) in enumerate(shown):
        top = _MARGIN + row * pitch
        pen.multiline_text((_MARGIN, top + tile // 3), titles[row], _INK, font)
        for column, record in enumerate(_evenly(members, per_class)):
            picture = ImageOps.pad(Image.fromarray(record.image.load()), (tile, tile), color=_PAPER)
            page.paste(picture, (left + column * pitch, top))
    pen.text((_MARGIN, _MARGIN + len(shown) * pitch), remark, _INK, font)
    return page


def _evenly(members: Sequence[Record], count: int) -> list[Record]:
    if len(members) <= count:
        return list(members)
    return [members[index * len(members) // count] for index in range(count)]


def _title(product: str, label: str, longest: int = 24) -> str:
    """Return the product over the label; both on one line each, however they are spelled."""
    lines = [" ".join(text.split()) for text in (product, label)]
    return "\n".join(
        line if len(line) <= longest else line[: longest - 1] + "…" for line in lines if line
    )
