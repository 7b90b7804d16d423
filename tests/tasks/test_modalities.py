import pickle

import numpy as np
from modality_samples import Grey, part

from mlff_cli.tasks.modalities import MultimodalImage, missing_of, of_modality, parts_of


def test_the_identity_is_that_of_all_parts_and_their_names():
    whole = part(visual=1, thermal=2)
    others = [part(visual=1), part(thermal=2, visual=1), part(visual=2, thermal=1)]
    others += [part(visual=1, x_ray=2), part(visual=1, thermal=3)]
    identities = {image.identity() for image in [whole, *others]}
    assert len(identities) == 6 and all(len(identity) == 64 for identity in identities)
    assert whole.identity() == part(visual=1, thermal=2).identity() != Grey(1).identity()
    assert whole.identity() == whole.identity_of([Grey(1).identity(), Grey(2).identity()])


def test_parts_are_found_by_name_and_a_single_image_is_its_own_part():
    whole = part(visual=1, thermal=2)
    assert parts_of(whole) == (Grey(1), Grey(2)) and parts_of(Grey(3)) == (Grey(3),)
    assert of_modality(whole, "thermal") == Grey(2)
    assert of_modality(whole, "x_ray") is None and of_modality(Grey(3), "visual") is None
    assert missing_of(whole, ["visual", "x_ray", "thermal"]) == ["x_ray"]


def test_people_see_the_parts_side_by_side_at_their_own_sizes():
    image = MultimodalImage((("a", Grey(10, (4, 6))), ("b", Grey(20, (8, 2)))))
    pixels = image.load()
    assert pixels.shape == (8, 8, 3) and pixels.dtype == np.uint8
    assert (pixels[:4, :6] == 10).all() and (pixels[:, 6:] == 20).all()
    assert (pixels[4:, :6] == 0).all()


def test_it_goes_to_other_processes_and_into_dictionaries():
    image = part(visual=1, thermal=2)
    assert pickle.loads(pickle.dumps(image)) == image
    assert {image: "x"}[part(visual=1, thermal=2)] == "x"
