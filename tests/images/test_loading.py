"""Image sources to batches of images of one size."""

import numpy as np
import pytest
import torch
from PIL import Image

from mlff_cli.backbones.levels import Preprocessing
from mlff_cli.data.files import FileImage
from mlff_cli.errors import UserError
from mlff_cli.images import loading as images
from mlff_cli.images.loading import all_images, image_batches, normalised, resized


@pytest.fixture
def sources(tmp_path):
    """Eleven images of various shape, each of one grey: its number times ten."""
    made = []
    for number in range(11):
        path = tmp_path / f"{number}.png"
        Image.new("RGB", (20 + number, 40 - number), (number * 10,) * 3).save(path)
        made.append(FileImage(path))
    return made


def greys(batch):
    assert batch.dtype == torch.uint8
    return batch[:, 0, 0, 0].tolist()


def test_an_image_of_the_right_size_is_left_alone():
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    square = resized(pixels, 8)
    assert square.shape == (3, 8, 8)
    assert torch.equal(square.permute(1, 2, 0), torch.from_numpy(pixels))


def test_the_whole_image_is_kept_also_its_edges():
    pixels = np.zeros((60, 120, 3), dtype=np.uint8)
    pixels[:, -24:] = (255, 0, 0)
    square = resized(pixels, 30)
    assert square.shape == (3, 30, 30)
    assert square.dtype == torch.uint8
    assert (square[0, :, -4:] > 250).all()
    assert (square[0, :, :20] < 5).all()
    assert (square[1:] == 0).all()


def test_a_size_of_two_is_height_and_width():
    pixels = np.zeros((60, 120, 3), dtype=np.uint8)
    pixels[:, 60:] = 200
    image = resized(pixels, (20, 40))
    assert image.shape == (3, 20, 40)
    assert (image[:, :, :18] < 5).all() and (image[:, :, 22:] > 195).all()


@pytest.mark.parametrize("place", range(40, 46))
def test_a_defect_of_one_pixel_is_averaged_and_never_dropped(place):
    pixels = np.zeros((90, 90, 3), dtype=np.uint8)
    pixels[place, place] = 255
    assert 200 < float(resized(pixels, 30).double().sum()) * 9 / 3 < 400


def test_normalised_by_hand():
    preprocessing = Preprocessing(2, (0.5, 0.25, 0.0), (0.5, 0.25, 2.0))
    batch = torch.tensor([0, 255], dtype=torch.uint8).view(2, 1, 1, 1).expand(2, 3, 1, 1)
    values = normalised(batch, preprocessing).view(2, 3)
    assert values.tolist() == [[-1.0, -1.0, 0.0], [1.0, 3.0, 0.5]]
    assert values.dtype == torch.float32


@pytest.mark.parametrize("workers", [0, 2])
def test_batches_come_in_the_order_of_the_sources(sources, workers):
    batches = list(image_batches(sources, 16, 4, workers))
    assert [tuple(batch.shape) for batch in batches] == [
        (4, 3, 16, 16),
        (4, 3, 16, 16),
        (3, 3, 16, 16),
    ]
    assert [grey for batch in batches for grey in greys(batch)] == [10 * n for n in range(11)]
    assert list(image_batches([], 16, 4, workers)) == []


def test_reading_images_draws_nothing_that_training_would_notice(sources):
    """The order of batches must not depend on whether images had to be read before."""
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    list(image_batches(sources, 16, 4, 0))
    assert torch.equal(torch.rand(1), expected)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_bad_image_is_one_message_without_a_traceback(sources, workers):
    sources[6].path.write_bytes(b"torn")
    sources[9].path.write_bytes(b"torn as well")
    with pytest.raises(UserError, match=r"6\.png") as error:
        list(image_batches(sources, 16, 4, workers))
    assert "Traceback" not in str(error.value)
    assert "worker" not in str(error.value)


@pytest.mark.parametrize("limit", [2**31, 0])
def test_all_images_in_memory_and_in_a_file(sources, limit, monkeypatch):
    monkeypatch.setattr(images, "IN_MEMORY", limit)
    whole = all_images(sources, 12, 0)
    assert whole.shape == (11, 3, 12, 12)
    assert greys(whole) == [10 * number for number in range(11)]
    chosen = whole[torch.tensor([7, 2, 7])]
    assert greys(chosen) == [70, 20, 70]


def test_images_of_a_height_and_a_width(sources):
    assert all_images(sources, (12, 20), 0).shape == (11, 3, 12, 20)
    assert [b.shape[2:] for b in image_batches(sources, (12, 20), 8, 0)] == [(12, 20), (12, 20)]


def test_workers_hand_over_what_one_process_reads(sources):
    assert torch.equal(
        all_images(sources, 12, 0), torch.cat(list(image_batches(sources, 12, 3, 2)))
    )
