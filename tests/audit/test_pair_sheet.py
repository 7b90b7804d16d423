import numpy as np

from mlff_cli.audit.page import FRAME
from mlff_cli.audit.pair_sheet import pair_sheet
from mlff_cli.tasks.record import Record


class Plain:
    def __init__(self, colour, shape=(20, 40)):
        self.colour, self.shape = colour, shape

    def identity(self):
        return str(self.colour)

    def load(self):
        return np.full((*self.shape, 3), self.colour, np.uint8)


def record(name, colour):
    return Record(name, Plain(colour))


def test_both_pictures_of_a_pair_stand_side_by_side():
    pairs = [(record("a", (250, 0, 0)), record("b", (0, 250, 0)), "similarity 0.9")]
    page = np.asarray(pair_sheet(pairs, tile=40, columns=1)).astype(int)
    reds = np.argwhere((page[..., 0] > 200) & (page[..., 1] < 50))
    greens = np.argwhere((page[..., 1] > 200) & (page[..., 0] < 50))
    assert len(reds) == len(greens) == 40 * 20
    assert reds[:, 1].max() < greens[:, 1].min()
    assert set(reds[:, 0]) == set(greens[:, 0])


def test_long_lists_and_long_names_keep_the_page_small():
    pair = (record("x" * 5000, (9, 9, 9)), record("ÿ\n" * 50, (9, 9, 9)), "exact")
    page = pair_sheet([pair] * 100, tile=32, columns=4, most=8)
    assert page.size[1] < 3 * pair_sheet([pair] * 4, tile=32, columns=4).size[1]
    assert pair_sheet([pair] * 8, tile=32, columns=4, most=8).size == page.size


def test_white_pictures_are_framed_each():
    white = (255, 255, 255)
    page = np.asarray(pair_sheet([(record("a", white), record("b", white), "same")], tile=40))
    rows = np.argwhere((page[48:] == FRAME).all(axis=2))  # below the texts
    assert len(set(rows[:, 1])) == 2 * 42 and len(set(rows[:, 0])) == 22


def test_names_of_other_letters_are_escaped_and_the_page_says_so():
    plain, odd = record("a", (9, 9, 9)), record("\ue123", (9, 9, 9))
    page, said = (pair_sheet([(plain, other, "same")], tile=60) for other in (plain, odd))
    assert page.size == said.size
    foot = np.asarray(said)[-14:]
    assert (np.asarray(page)[-14:] == 255).all() and (foot < 120).any()
