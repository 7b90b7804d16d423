r"""Which letters pictures can show: those of installed fonts; others stand as escapes: ``\u6b63``.

Matplotlib, which finds the fonts, is imported only for letters beyond ASCII.
"""

import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from mlff_cli.results.labels import plain

# The first comes with matplotlib; the others, where installed, have letters that it lacks.
# Emoji only from fonts of outlines: neither matplotlib nor Pillow draws coloured ones in any size.
FAMILIES = (
    "DejaVu Sans",
    "Noto Sans CJK JP",
    "Noto Sans CJK SC",
    "Noto Sans JP",
    "Noto Sans SC",
    "Source Han Sans",
    "WenQuanYi Zen Hei",
    "WenQuanYi Micro Hei",
    "Droid Sans Fallback",
    "IPAexGothic",
    "IPAGothic",
    "Microsoft YaHei",
    "Yu Gothic",
    "Malgun Gothic",
    "PingFang SC",
    "Hiragino Sans",
    "Arial Unicode MS",
    "Noto Emoji",
    "Segoe UI Emoji",
    "Symbola",
)

NOTE = r"letters written as \u... need a font: Noto Sans CJK, Noto Emoji"
"""What stands in a picture with escapes."""


def installed() -> list[str]:
    """Return the families that this machine has, the first one always."""
    from matplotlib.font_manager import fontManager

    known = set(fontManager.get_font_names())
    return [family for family in FAMILIES if family in known]


def file_of(family: str) -> str:
    """Return the file of an installed family."""
    from matplotlib.font_manager import findfont

    return str(findfont(family, fallback_to_default=False))


def missing(text: str, family: str | None = None) -> set[str]:
    """Return the letters of a text that no installed font has, or not the one of that family."""
    rare = {letter for letter in _shown(text) if not letter.isascii()}
    for name in [family] if family else installed() if rare else []:
        rare = {letter for letter in rare if ord(letter) not in _letters(file_of(name))}
    return rare


def drawable(text: str, family: str | None = None) -> str:
    """Return a text on one line, with escapes for its `missing` letters."""
    lacking = missing(text, family)
    return "".join(_escaped(letter) if letter in lacking else letter for letter in _shown(text))


def note_on(texts: Iterable[str]) -> str:
    """Return what a picture says of the escapes in these texts; "" without any."""
    return NOTE if any(map(missing, texts)) else ""


def best_family(text: str) -> str:
    """Return the installed family that has the most letters of a text."""
    return min(installed(), key=lambda family: len(missing(text, family)))


def _shown(text: str) -> str:
    """Return a plain text without what has no shape of its own: joiners, variation selectors."""
    return "".join(
        letter
        for letter in plain(text)
        if unicodedata.category(letter) != "Cf" and letter not in "\ufe0e\ufe0f"
    )


def _escaped(letter: str) -> str:
    return letter.encode("unicode_escape").decode()


@lru_cache(maxsize=len(FAMILIES))
def _letters(file: str) -> frozenset[int]:
    from matplotlib.ft2font import FT2Font

    return frozenset(FT2Font(file).get_charmap())
