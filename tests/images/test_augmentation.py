import pytest
import torch

from mlff_cli.errors import UserError
from mlff_cli.images.augmentation import Augmentation


def pictures(count=16):
    """Dark images with one bright corner each, 40 pixels on a side."""
    images = torch.full((count, 3, 40, 40), 40, dtype=torch.uint8)
    images[..., 4:12, 4:12] = 160
    return images


def varied(*kinds):
    torch.manual_seed(0)
    return Augmentation(kinds)(pictures())


def test_without_any_kind_images_stay_as_they_are():
    assert torch.equal(varied(), pictures())


def test_brightness_alone_moves_nothing():
    images = varied("brightness")
    assert not torch.equal(images, pictures())
    corner = images[:, :, 4:12, 4:12]
    rest = images.clone()
    rest[:, :, 4:12, 4:12] = images[:, :, 20:21, 20:21]
    assert all(len(image.unique()) == 1 for image in corner)
    assert all(len(image.unique()) == 1 for image in rest)


@pytest.mark.parametrize(("kind", "reach"), [("flips", 25), ("shifts", 3)])
def test_flips_and_shifts_move_the_corner_each_image_on_its_own(kind, reach):
    places = [torch.nonzero(image[0] > 100).float().mean(dim=0) - 7.5 for image in varied(kind)]
    moves = torch.stack(places).abs().max(dim=0).values
    assert torch.all(moves > 0) and torch.all(moves <= reach)
    assert len({tuple(place.tolist()) for place in places}) > 1


def test_an_unknown_kind_is_named():
    with pytest.raises(UserError, match="did you mean 'flips'"):
        Augmentation(["flip"])
