"""Which letters pictures can show, and what stands for the others."""

import subprocess
import sys

import pytest
from font_samples import known, write_font

from mlff_cli.results import lettering
from mlff_cli.results.lettering import NOTE, best_family, drawable, missing, note_on

# Of no language: no font has them.
NOWHERE = "\ue123"


@pytest.fixture
def only_dejavu(monkeypatch):
    """A machine with matplotlib's own font alone."""
    monkeypatch.setattr(lettering, "installed", lambda: ["DejaVu Sans"])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain_1", "plain_1"),
        ("Größe é ✓ Жя", "Größe é ✓ Жя"),
        ("正常", r"\u6b63\u5e38"),
        ("a🏷️b", r"a\U0001f3f7b"),
        ("two\nlines", "two lines"),
        ("left\u200b\u200eright", "leftright"),
        ("\x1b", "\ufffd"),
        ("", ""),
    ],
)
def test_letters_that_no_font_has_stand_as_escapes(text, shown, only_dejavu):
    assert drawable(text) == shown
    assert missing(drawable(text)) == set()


def test_a_picture_says_so_where_there_are_escapes(only_dejavu):
    assert note_on(["steel", "正"]) == NOTE
    assert note_on(["steel", "Größe"]) == ""
    assert NOTE.isascii()


def test_a_font_that_is_installed_is_used(tmp_path):
    with known(write_font(tmp_path / "font.ttf", "Noto Emoji", f"a{NOWHERE}")):
        assert drawable(f"x{NOWHERE}") == f"x{NOWHERE}"
        assert drawable(f"x{NOWHERE}é", "Noto Emoji") == rf"x{NOWHERE}\xe9"
        assert best_family(NOWHERE) == "Noto Emoji"
    assert drawable(NOWHERE) == r"\ue123"
    assert best_family("Größe") == "DejaVu Sans"


def test_matplotlib_is_not_imported_for_ascii():
    code = (
        "import sys; from mlff_cli.results.lettering import drawable, note_on\n"
        "assert drawable('steel') == 'steel' and not note_on(['steel'])\n"
        "sys.exit('matplotlib' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
