from dataclasses import dataclass

import numpy as np
import pytest
from font_samples import known, write_font
from PIL import ImageDraw

from mlff_cli.audit.contact_sheet import Sheet, contact_sheet
from mlff_cli.audit.page import FRAME, lettered
from mlff_cli.data.surfaces import Surfaces
from mlff_cli.results.lettering import NOTE
from mlff_cli.tasks.record import Record

TILE = 40


@dataclass(frozen=True)
class Plain:
    """An image of one colour."""

    colour: tuple[int, int, int]
    height: int = 30
    width: int = 30

    def identity(self) -> str:
        return repr(self).ljust(64, "0")[:64]

    def load(self):
        return np.full((self.height, self.width, 3), self.colour, np.uint8)


RED, BLUE = (200, 0, 0), (0, 0, 200)


def sheet(records, per_class=4, **arguments):
    return np.asarray(contact_sheet(Sheet.of(records, per_class, **arguments), tile=TILE))


def written_on(monkeypatch):
    """Return a list that fills with the texts of sheets."""
    drawn = []
    write = ImageDraw.ImageDraw.multiline_text

    def noting(pen, place, text, *arguments):
        drawn.append(text)
        write(pen, place, text, *arguments)

    monkeypatch.setattr(ImageDraw.ImageDraw, "multiline_text", noting)
    return drawn


def count(page, colour):
    return int((np.abs(page.astype(int) - colour).max(axis=2) < 10).sum())


def test_rows_are_products_and_labels_and_columns_images():
    records = [Record(f"a{i}", Plain(RED), ("x",), product="p") for i in range(3)]
    records += [Record("b", Plain(BLUE), ("x",), product="q")]
    page = sheet(records)
    assert count(page, RED) == 3 * TILE**2
    assert count(page, BLUE) == TILE**2
    reds, blues = np.argwhere(page[..., 0] == 200), np.argwhere(page[..., 2] == 200)
    assert reds[:, 0].max() < blues[:, 0].min()


def test_no_more_than_per_class_are_shown_from_all_over_the_row():
    colours = [RED] * 4 + [BLUE] * 4
    records = [Record(str(i), Plain(c), ("x",)) for i, c in enumerate(colours)]
    page = sheet(records, per_class=2)
    assert count(page, RED) == count(page, BLUE) == TILE**2


def test_images_of_any_size_keep_their_proportions():
    page = sheet([Record("wide", Plain(RED, height=10, width=300), ("x",))])
    columns = np.unique(np.argwhere(page[..., 1] == 0)[:, 1])
    assert len(columns) >= TILE
    assert 0 < count(page, RED) <= TILE * 3


def test_a_record_of_several_labels_stands_in_each_row_and_one_of_none_in_its_own():
    records = [Record("both", Plain(RED), ("x", "y")), Record("target", Plain(BLUE), ())]
    page = sheet(records)
    assert count(page, RED) == 2 * TILE**2
    assert count(page, BLUE) == TILE**2


def test_rows_are_named_at_the_left():
    named = sheet([Record("a", Plain(RED), ("scratch",), product="brushed_metal")])
    nameless = sheet([Record("a", Plain(RED), targets=(1.0,))])
    assert named.shape[1] > nameless.shape[1] + 30
    ink = (named.max(axis=2) < 120).sum()
    assert ink > 50


def test_images_without_labels_say_so_unless_they_have_numbers(monkeypatch):
    drawn = written_on(monkeypatch)
    sheet([Record("a", Plain(RED)), Record("b", Plain(RED), product="p")])
    assert {"no label", "p\nno label"} <= set(drawn)
    drawn.clear()
    sheet([Record("a", Plain(RED), targets=(1.0,), product="p")])
    assert drawn[0] == "p"


def test_a_white_image_has_a_frame_around_it():
    page = sheet([Record("a", Plain((255, 255, 255), height=30, width=60), ("x",))], per_class=1)
    inked = np.argwhere(np.abs(page.astype(int) - FRAME).max(axis=2) == 0)
    (top, left), (bottom, right) = inked.min(axis=0), inked.max(axis=0)
    assert (bottom - top, right - left) == (TILE // 2 + 1, TILE + 1)
    assert (page[top + 1 : bottom, left + 1 : right] == 255).all()
    corners = page[[top, top, bottom, bottom], [left, right, left, right]]
    assert (corners == FRAME).all()


def test_letters_that_no_font_has_are_escapes_and_the_page_says_so(monkeypatch):
    drawn = written_on(monkeypatch)
    records = [Record("a", Plain(RED), ("\ue123",), product="é"), Record("b", Plain(RED), ("x",))]
    sheet(records)
    assert drawn[0] == "é\n\\ue123" and drawn[-1] == NOTE
    drawn.clear()
    sheet([Record("a", Plain(RED), ("Größe ✓",), product="Жя")])
    assert drawn == ["Жя\nGröße ✓", ""]


@pytest.mark.parametrize("text", ["Größe", "✓", "Ж"])
def test_letters_beyond_ascii_are_drawn_as_they_are(text):
    (line,), font = lettered([text], 14)
    boxes = {bytes(font.getmask(letter)) for letter in line}
    assert line == text and bytes(font.getmask("\uffff")) not in boxes


def test_an_installed_font_is_used(tmp_path, monkeypatch):
    drawn = written_on(monkeypatch)
    with known(write_font(tmp_path / "font.ttf", "Noto Emoji", "\ue123")):
        page = sheet([Record("a", Plain(RED), ("\ue123",))])
        assert (page.max(axis=2) < 60).sum() > 50
    assert drawn == ["\ue123", ""]


@pytest.mark.parametrize("label", ["two\nlines\r\n", "x" * 500, "größe ✓ 傷", " "])
def test_odd_labels_keep_the_page_in_shape(label):
    page = sheet([Record("a", Plain(RED), (label,), product="p")])
    assert page.shape[0] < 2 * TILE
    assert page.shape[1] < 10 * TILE


def test_the_page_says_what_it_leaves_out():
    records = [Record(str(i), Plain(RED), (str(i),)) for i in range(7)]
    page = sheet(records, max_rows=2)
    assert count(page, RED) == 2 * TILE**2
    last_line = page[-20:]
    assert (last_line.max(axis=2) < 120).any()


def test_without_records_the_page_is_blank():
    assert (sheet([]) == 255).all()


def test_drawn_surfaces_fill_a_page():
    page = contact_sheet(
        Sheet.of(Surfaces(image_size=32, images_per_class=2).records(), 2), tile=32
    )
    assert page.height >= 15 * 32
