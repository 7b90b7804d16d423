"""What variations may do to an image, those that are stored by number, and random ones."""

from itertools import combinations
from pathlib import Path

import pytest
import torch
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mlff_cli.data.folder import Folder
from mlff_cli.data.surfaces import Surfaces
from mlff_cli.errors import UserError
from mlff_cli.features.store.disk import row_key
from mlff_cli.images.variations import (
    VARIATIONS,
    check_variations,
    random_variation,
    variation_version,
    varied,
)

FILES = sorted((Path(__file__).parents[2] / "configs/dataset").glob("[!_]*.yaml"))


def images(count=2, side=40):
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (count, 3, side, side), dtype=torch.uint8, generator=generator)


def test_variation_0_is_the_plain_image():
    plain = images()
    assert torch.equal(varied(plain, 0), plain)


@given(st.integers(1, 10_000))
def test_a_variation_is_a_uint8_image_and_the_same_each_time(variation):
    state = torch.get_rng_state()
    changed = varied(images(), variation)
    assert changed.dtype == torch.uint8
    assert changed.shape == (2, 3, 40, 40)
    assert torch.equal(changed, varied(images(), variation))
    assert torch.equal(torch.get_rng_state(), state)  # the training's own draws are left alone


def test_a_variation_is_the_same_for_each_image_whatever_its_company():
    both = images()
    assert torch.equal(varied(both, 3)[1:], varied(both[1:], 3))


def test_variations_differ_from_each_other():
    variations = [varied(images(1), number) for number in range(9)]
    assert all(not torch.equal(a, b) for i, a in enumerate(variations) for b in variations[:i])


@pytest.mark.parametrize(
    ("variation", "right", "bottom"),
    [(1, True, False), (2, False, True), (3, True, True), (4, False, False)],
)
def test_flips_run_through_their_four_combinations(variation, right, bottom):
    """A bright corner moves to where the flips take it, and by 6 % of the side at most."""
    marked = torch.zeros(1, 3, 100, 100, dtype=torch.uint8)
    marked[..., 8:20, 8:20] = 200
    rows, columns = torch.nonzero(varied(marked, variation)[0, 0] > 100, as_tuple=True)
    assert (float(rows.float().mean()) > 50) == bottom
    assert (float(columns.float().mean()) > 50) == right
    centre = float(rows.float().mean()) if not bottom else 99 - float(rows.float().mean())
    assert abs(centre - 13.5) <= 6.5


def test_edges_are_repeated_and_brightness_stays_within_its_bounds():
    grey = torch.full((1, 3, 50, 50), 100, dtype=torch.uint8)
    for number in range(1, 30):
        levels = varied(grey, number).unique().tolist()
        assert len(levels) == 1  # no black border
        assert 85 <= levels[0] <= 115
    bright = torch.full((1, 3, 50, 50), 250, dtype=torch.uint8)
    assert max(int(varied(bright, number).max()) for number in range(1, 30)) == 255


def picture():
    generator = torch.Generator().manual_seed(0)
    return torch.randint(20, 200, (1, 3, 40, 40), dtype=torch.uint8, generator=generator)


@pytest.mark.parametrize("variation", range(1, 6))
def test_without_any_kind_a_variation_is_the_image(variation):
    assert torch.equal(varied(picture(), variation, ()), picture())


@pytest.mark.parametrize("variation", range(1, 6))
def test_brightness_alone_moves_nothing(variation):
    plain, changed = picture().float(), varied(picture(), variation, ["brightness"]).float()
    factor = changed.sum() / plain.sum()
    assert 0.84 < factor < 1.16
    assert (changed - plain * factor).abs().max() < 1.5


def test_flips_alone_run_through_their_combinations():
    plain = picture()
    found = [varied(plain, number, ["flips"]) for number in (1, 2, 3, 4)]
    expected = [plain.flip(3), plain.flip(2), plain.flip(2, 3), plain]
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))


def test_shifts_alone_move_the_image_by_six_percent_at_most():
    plain = picture()
    changed = varied(plain, 1, ["shifts"])
    moves = [
        (down, right)
        for down in range(-2, 3)
        for right in range(-2, 3)
        if torch.equal(changed[..., 2:-2, 2:-2], plain.roll((down, right), (2, 3))[..., 2:-2, 2:-2])
    ]
    assert len(moves) == 1


def test_all_kinds_are_the_default():
    assert torch.equal(varied(picture(), 3), varied(picture(), 3, VARIATIONS))


def test_the_key_of_a_varied_image_depends_on_the_kinds_and_not_on_their_order():
    subsets = [kinds for count in range(4) for kinds in combinations(VARIATIONS, count)]
    assert len({row_key("image", 1, variation_version(kinds)) for kinds in subsets}) == len(subsets)
    assert variation_version(VARIATIONS) == variation_version(VARIATIONS[::-1])
    assert len({row_key("image", 0, variation_version(kinds)) for kinds in subsets}) == 1


def pictures(count=16):
    """Dark images with one bright corner each, 40 pixels on a side."""
    images = torch.full((count, 3, 40, 40), 40, dtype=torch.uint8)
    images[..., 4:12, 4:12] = 160
    return images


def at_random(*kinds):
    torch.manual_seed(0)
    return random_variation(kinds)(pictures())


def test_at_random_without_any_kind_images_stay_as_they_are():
    assert torch.equal(at_random(), pictures())


def test_brightness_at_random_moves_nothing():
    images = at_random("brightness")
    assert not torch.equal(images, pictures())
    corner = images[:, :, 4:12, 4:12]
    rest = images.clone()
    rest[:, :, 4:12, 4:12] = images[:, :, 20:21, 20:21]
    assert all(len(image.unique()) == 1 for image in corner)
    assert all(len(image.unique()) == 1 for image in rest)


@pytest.mark.parametrize(("kind", "reach"), [("flips", 25), ("shifts", 3)])
def test_flips_and_shifts_move_the_corner_each_image_on_its_own(kind, reach):
    places = [torch.nonzero(image[0] > 100).float().mean(dim=0) - 7.5 for image in at_random(kind)]
    moves = torch.stack(places).abs().max(dim=0).values
    assert torch.all(moves > 0) and torch.all(moves <= reach)
    assert len({tuple(place.tolist()) for place in places}) > 1


def test_an_unknown_kind_at_random_is_named():
    with pytest.raises(UserError, match="did you mean 'flips'"):
        random_variation(["flip"])


def test_an_unknown_kind_is_named_with_the_nearest_right_one():
    check_variations(VARIATIONS)
    check_variations([])
    with pytest.raises(UserError, match=r"data\.variations: 'flip' is unknown; did you mean 'fl"):
        check_variations(["brightness", "flip"])


@pytest.mark.parametrize("dataset", [Surfaces, Folder])
def test_datasets_refuse_unknown_kinds(dataset):
    with pytest.raises(UserError, match="'shift' is unknown"):
        dataset(variations=["shift"])


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_dataset_says_which_variations_leave_its_labels_true(file):
    keys = yaml.safe_load(file.read_text())
    if "defaults" in keys:  # a variant of another dataset
        return
    assert set(keys["variations"]) <= set(VARIATIONS)


def test_a_shift_is_a_share_of_the_side_along_which_it_goes():
    plain = torch.zeros(1, 3, 50, 200, dtype=torch.uint8)
    plain[:, :, 25, 100] = 255
    reached = set()
    for number in range(1, 40):
        changed = varied(plain, number, ["shifts"])
        assert changed.shape == plain.shape
        (place,) = (changed[0, 0] > 0).nonzero().tolist()
        reached.add((abs(place[0] - 25), abs(place[1] - 100)))
    assert max(down for down, _ in reached) == 3
    assert 9 < max(right for _, right in reached) <= 12


def test_offsets_survive_neither_flips_nor_shifts():
    placement = next(file for file in FILES if file.stem == "placement")
    assert yaml.safe_load(placement.read_text())["variations"] == ["brightness"]
