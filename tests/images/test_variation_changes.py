from itertools import combinations

import pytest
import torch

from mlff_cli.features.store.disk import row_key
from mlff_cli.images.changes import CHANGES
from mlff_cli.images.variations import view_of, view_version


def picture():
    generator = torch.Generator().manual_seed(0)
    return torch.randint(20, 200, (1, 3, 40, 40), dtype=torch.uint8, generator=generator)


@pytest.mark.parametrize("view", range(1, 6))
def test_without_any_change_a_view_is_the_image(view):
    assert torch.equal(view_of(picture(), view, ()), picture())


@pytest.mark.parametrize("view", range(1, 6))
def test_brightness_alone_moves_nothing(view):
    plain, varied = picture().float(), view_of(picture(), view, ["brightness"]).float()
    factor = varied.sum() / plain.sum()
    assert 0.84 < factor < 1.16
    assert (varied - plain * factor).abs().max() < 1.5


def test_flips_alone_run_through_their_combinations():
    plain = picture()
    views = [view_of(plain, view, ["flips"]) for view in (1, 2, 3, 4)]
    expected = [plain.flip(3), plain.flip(2), plain.flip(2, 3), plain]
    assert all(torch.equal(a, b) for a, b in zip(views, expected, strict=True))


def test_shifts_alone_move_the_image_by_six_percent_at_most():
    plain = picture()
    varied = view_of(plain, 1, ["shifts"])
    moves = [
        (down, right)
        for down in range(-2, 3)
        for right in range(-2, 3)
        if torch.equal(varied[..., 2:-2, 2:-2], plain.roll((down, right), (2, 3))[..., 2:-2, 2:-2])
    ]
    assert len(moves) == 1


def test_all_changes_are_the_default():
    assert torch.equal(view_of(picture(), 3), view_of(picture(), 3, CHANGES))


def test_the_key_of_a_varied_image_depends_on_the_changes_and_not_on_their_order():
    subsets = [kinds for count in range(4) for kinds in combinations(CHANGES, count)]
    assert len({row_key("image", 1, view_version(kinds)) for kinds in subsets}) == len(subsets)
    assert view_version(CHANGES) == view_version(CHANGES[::-1])
    assert len({row_key("image", 0, view_version(kinds)) for kinds in subsets}) == 1
