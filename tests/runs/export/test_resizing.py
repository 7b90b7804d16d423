"""Resizing in a graph: what Pillow gives, bit by bit."""

import numpy as np
import onnxruntime
import pytest

from mlff_cli.images.loading import resized
from mlff_cli.runs.export.resizing import resizing


@pytest.fixture(scope="module", params=[(32, 32), (48, 80)], ids=str)
def graph(request):
    model = resizing(request.param)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return request.param, lambda images: session.run(None, {"image": images})[0]


@pytest.mark.parametrize(
    "sides",
    [(32, 32), (48, 80), (33, 32), (32, 31), (8, 8), (100, 37), (37, 100), (90, 300), (500, 40)],
)
def test_it_is_what_pillow_gives(graph, sides):
    size, bring = graph
    images = np.random.default_rng(0).integers(0, 256, (2, *sides, 3)).astype(np.uint8)
    images[1] = np.where(images[1] > 127, 255, 0)  # overshoots on either side
    found = bring(images)
    assert found.shape == (2, 3, *size)
    for image, own in zip(images, found, strict=True):
        np.testing.assert_array_equal(own, resized(image, size).numpy())
