"""Fonts of a few letters, made on the spot and known to matplotlib for a while."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen


def write_font(file: Path, family: str, letters: str) -> Path:
    """Write a font in which each letter is a filled square, "…" too."""
    glyphs = [".notdef", *(f"g{ord(letter)}" for letter in letters + "…")]
    pen = TTGlyphPen(None)
    for number, corner in enumerate([(0, 0), (0, 800), (800, 800), (800, 0)]):
        (pen.lineTo if number else pen.moveTo)(corner)
    pen.closePath()
    square = pen.glyph()
    font = FontBuilder(1000, isTTF=True)
    font.setupGlyphOrder(glyphs)
    font.setupCharacterMap({int(name[1:]): name for name in glyphs[1:]})
    font.setupGlyf(dict.fromkeys(glyphs, square))
    font.setupHorizontalMetrics(dict.fromkeys(glyphs, (1000, 0)))
    font.setupHorizontalHeader(ascent=800, descent=-200)
    font.setupNameTable({"familyName": family, "styleName": "Regular"})
    font.setupOS2()
    font.setupPost()
    font.save(file)
    return file


@contextmanager
def known(file: Path) -> Iterator[None]:
    """Let matplotlib find a font, and forget it after."""
    from matplotlib.font_manager import fontManager

    before = list(fontManager.ttflist)
    fontManager.addfont(file)
    try:
        yield
    finally:
        fontManager.ttflist[:] = before
        fontManager._findfont_cached.cache_clear()  # type: ignore[attr-defined]
