"""What sheets of images have in common: paper, framed tiles, and fonts that have the letters."""

from collections.abc import Iterable, Sequence

from PIL import Image, ImageDraw, ImageFont, ImageOps

from mlff_cli.results.labels import plain
from mlff_cli.results.lettering import NOTE, best_family, drawable, file_of, missing
from mlff_cli.tasks.record import Record

PAPER, INK, FRAME = (255, 255, 255), (40, 40, 40), (190, 190, 190)

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

_ELLIPSIS = "…"
"""The one letter beyond ASCII that Pillow's own font is used for: it lacks even "ä"."""


def lettered(lines: Sequence[str], size: int) -> tuple[list[str], Font]:
    """Return texts as they can be drawn, on one line each, and the font that has their letters."""
    family = _family(lines)
    font = ImageFont.truetype(file_of(family), size) if family else ImageFont.load_default(size)
    return [drawable(line, family) for line in lines], font


def note_on(parts: Iterable[Sequence[str]]) -> str:
    """Return what a sheet says of the escapes in texts that are `lettered` part by part."""
    return NOTE if any(missing("".join(lines), _family(lines)) for lines in parts) else ""


def _family(lines: Sequence[str]) -> str | None:
    """Return the family that has most letters of all the lines; None for Pillow's own font."""
    text = plain("".join(lines))
    return None if text.replace(_ELLIPSIS, "").isascii() else best_family(text + _ELLIPSIS)


def paste_tile(page: Image.Image, record: Record, place: tuple[int, int], side: int) -> None:
    """Paste an image, fitted into a tile with its upper left corner at `place`, in a thin frame.

    The frame lies around the image, so that a white one can be told from the page.
    """
    image = ImageOps.contain(Image.fromarray(record.image.load()), (side, side))
    left = place[0] + (side - image.width) // 2
    top = place[1] + (side - image.height) // 2
    corners = (left - 1, top - 1, left + image.width, top + image.height)
    ImageDraw.Draw(page).rectangle(corners, outline=FRAME)
    page.paste(image, (left, top))
