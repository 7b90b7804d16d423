import pickle

import numpy as np
import pytest

from mlff_cli.data import surfaces
from mlff_cli.data.generated import GeneratedImage

PARAMETERS = (
    ("generator_seed", 0),
    ("product", "brushed_metal"),
    ("label", "pit"),
    ("index", 3),
    ("image_size", 32),
)


def test_load_draws_what_the_generator_draws():
    image = GeneratedImage("surfaces", PARAMETERS)
    assert np.array_equal(image.load(), surfaces.draw(**dict(PARAMETERS)))


def test_identity_is_a_hash_that_does_not_depend_on_the_order():
    identity = GeneratedImage("surfaces", PARAMETERS).identity()
    assert len(bytes.fromhex(identity)) == 32
    assert GeneratedImage("surfaces", PARAMETERS[::-1]).identity() == identity


@pytest.mark.parametrize("position", range(len(PARAMETERS)))
def test_identity_changes_with_every_parameter(position):
    key, value = PARAMETERS[position]
    other = value + 1 if isinstance(value, int) else value + "s"
    changed = (*PARAMETERS[:position], (key, other), *PARAMETERS[position + 1 :])
    before = GeneratedImage("surfaces", PARAMETERS).identity()
    assert GeneratedImage("surfaces", changed).identity() != before


def test_identity_changes_with_the_drawing_version(monkeypatch):
    image = GeneratedImage("surfaces", PARAMETERS)
    before = image.identity()
    monkeypatch.setattr(surfaces, "DRAWING_VERSION", surfaces.DRAWING_VERSION + 1)
    assert image.identity() != before


def test_a_source_is_hashable_and_survives_pickling():
    image = GeneratedImage("surfaces", PARAMETERS)
    assert pickle.loads(pickle.dumps(image)) == image
    assert len({image, GeneratedImage("surfaces", PARAMETERS)}) == 1
