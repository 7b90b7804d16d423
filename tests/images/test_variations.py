import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mlff_cli.images.variations import view_of


def images(count=2, side=40):
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (count, 3, side, side), dtype=torch.uint8, generator=generator)


def test_view_0_is_the_plain_image():
    plain = images()
    assert torch.equal(view_of(plain, 0), plain)


@given(st.integers(1, 10_000))
def test_a_view_is_a_uint8_image_and_the_same_each_time(view):
    state = torch.get_rng_state()
    varied = view_of(images(), view)
    assert varied.dtype == torch.uint8
    assert varied.shape == (2, 3, 40, 40)
    assert torch.equal(varied, view_of(images(), view))
    assert torch.equal(torch.get_rng_state(), state)  # the training's own draws are left alone


def test_a_view_varies_each_image_alike_whatever_its_company():
    both = images()
    assert torch.equal(view_of(both, 3)[1:], view_of(both[1:], 3))


def test_views_differ_from_each_other():
    views = [view_of(images(1), view) for view in range(9)]
    assert all(not torch.equal(a, b) for i, a in enumerate(views) for b in views[:i])


@pytest.mark.parametrize(
    ("view", "right", "bottom"),
    [(1, True, False), (2, False, True), (3, True, True), (4, False, False)],
)
def test_flips_run_through_their_four_combinations(view, right, bottom):
    """A bright corner moves to where the flips take it, and by 6 % of the side at most."""
    marked = torch.zeros(1, 3, 100, 100, dtype=torch.uint8)
    marked[..., 8:20, 8:20] = 200
    rows, columns = torch.nonzero(view_of(marked, view)[0, 0] > 100, as_tuple=True)
    assert (float(rows.float().mean()) > 50) == bottom
    assert (float(columns.float().mean()) > 50) == right
    centre = float(rows.float().mean()) if not bottom else 99 - float(rows.float().mean())
    assert abs(centre - 13.5) <= 6.5


def test_edges_are_repeated_and_brightness_stays_within_its_bounds():
    grey = torch.full((1, 3, 50, 50), 100, dtype=torch.uint8)
    for view in range(1, 30):
        levels = view_of(grey, view).unique().tolist()
        assert len(levels) == 1  # no black border
        assert 85 <= levels[0] <= 115
    bright = torch.full((1, 3, 50, 50), 250, dtype=torch.uint8)
    assert max(int(view_of(bright, view).max()) for view in range(1, 30)) == 255
