"""Features from Python: those that runs read, stored once."""

import numpy as np
import pytest
from PIL import Image

from mlff_cli import Features, UserError

SMALL = {"image_size": 32}


def test_features_are_computed_once_and_read_again(images, empty, monkeypatch):
    paths = {"features": empty / "store"}
    first = Features(data=SMALL, paths=paths).read(images)
    assert {level: values.shape for level, values in first.items()} == {
        level: (2, channels) for level, channels in Features(data=SMALL).levels.items()
    }
    monkeypatch.setattr("mlff_cli.features.extraction.extract", None)
    again = Features(data=SMALL, paths=paths).read(images)
    for level, values in first.items():
        assert values.dtype == np.float32 and np.array_equal(values, again[level])


def test_an_array_has_the_features_of_its_file(images):
    arrays = [np.asarray(Image.open(path)) for path in images]
    features = Features("features.store=false", data=SMALL)
    of_files, of_arrays = features.read(images), features.read(arrays)
    for level, values in of_files.items():
        assert np.array_equal(values, of_arrays[level])


def test_poolings_differ_and_a_wrong_one_is_refused(images):
    features = Features("features.store=false", data=SMALL, backbone="efficientnet_lite0")
    mean, largest = features.read(images), features.read(images, "max")
    maps, grid = features.read(images[0], "map"), features.read(images[0], "grid")
    for level, values in mean.items():
        assert (largest[level] >= values).all()
        assert maps[level].ndim == 4 and grid[level].shape[2:] == (4, 4)
        assert np.allclose(maps[level].mean(axis=(2, 3)), values[:1], atol=1e-2)
    with pytest.raises(UserError, match="'means' is unknown; did you mean 'mean'"):
        features.read(images, "means")


def test_a_run_gives_the_features_that_it_reads(run, images, monkeypatch):
    assert Features.of_run(run).levels == Features(data=SMALL).levels
    monkeypatch.setattr("mlff_cli.features.extraction.extract", None)
    Features.of_run(run).read(images)  # stored by its training


def test_what_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(UserError, match="the image cannot be read"):
        Features(data=SMALL).read(tmp_path / "gone.png")
    with pytest.raises(UserError, match="backbone: there is no 'resnet19'"):
        Features(backbone="resnet19")
