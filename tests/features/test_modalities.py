"""Features of several images of a part: those of each image alone, under names of their own."""

import pytest
import torch
from configs_for_tests import small_config
from modality_samples import Grey, part

from mlff_cli.errors import UserError
from mlff_cli.features.identities import identities
from mlff_cli.features.pooling import LevelInput
from mlff_cli.runs.building import build_features
from mlff_cli.system.device import Device
from mlff_cli.tasks.absent import AbsentImage

NAMES = ("visual", "thermal")
POOLINGS = ("mean", "max", "map")
IMAGES = [part(visual=1, thermal=2), part(visual=3), part(thermal=4), part(visual=5, thermal=6)]


def features_of(folder, modalities=(), *, store=True):
    config = small_config(folder, keys={"data.image_size": 32})
    config["features"]["store"] = store
    config["data"] = {**config["data"], "modalities": list(modalities), "modality_dropout": 0.2}
    device = Device.choose(device="cpu", precision="fp32", workers=0, batch_size=8)
    return build_features(config, device)


def every_input(features):
    return [LevelInput(level.name, name) for level in features.levels for name in POOLINGS]


@pytest.mark.parametrize("variation", [0, 3])
def test_each_image_has_the_features_that_it_has_alone(tmp_path, variation):
    several, single = features_of(tmp_path, NAMES), features_of(tmp_path, store=False)
    inputs = every_input(several)
    assert len(inputs) == 2 * len(every_input(single))
    columns = several.read(IMAGES, inputs, variation)
    assert len(columns) == 4 and several.extracted == 6
    for item, found, shape in zip(inputs, columns[:], columns.shapes, strict=True):
        modality, _, level = item.level.partition(":")
        alone = {"visual": (Grey(1), None, Grey(3 + 2)), "thermal": (Grey(2), Grey(4), Grey(6))}
        places = {"visual": [0, 3], "thermal": [0, 2, 3]}[modality]
        images = [image for image in alone[modality] if image]
        (expected,) = single.read(images, [LevelInput(level, item.pooling)], variation)[:]
        assert torch.equal(found[places], expected)
        gap = found[1 if modality == "thermal" else 2]
        assert bool(gap.isnan().all()) and gap.shape == shape


def test_an_image_that_was_stored_alone_is_not_seen_again(tmp_path):
    single = features_of(tmp_path)
    single.ensure([Grey(1), Grey(2)], [LevelInput(single.levels[0].name, "mean")])
    several = features_of(tmp_path, NAMES)
    several.ensure(IMAGES, [LevelInput(several.levels[0].name, "mean")])
    assert several.extracted == 4


def test_one_modality_may_be_missing_of_all(tmp_path):
    features = features_of(tmp_path, NAMES)
    columns = features.read([part(visual=1), part(visual=3)], every_input(features))
    names = [item.level for item in every_input(features)]
    for name, found in zip(names, columns[:], strict=True):
        assert bool(found.isnan().all()) == name.startswith("thermal")


def test_levels_stand_depth_by_depth(tmp_path):
    names = [level.name for level in features_of(tmp_path, NAMES).levels]
    assert [name.partition(":")[0] for name in names[:4]] == ["visual", "thermal"] * 2
    assert names[0].partition(":")[2] == names[1].partition(":")[2]


def test_random_variations_are_those_of_each_image(tmp_path):
    features = features_of(tmp_path, NAMES)
    inputs = every_input(features)
    plain = features.live(IMAGES, inputs, lambda images: images, seed=1)
    for one, other in zip(plain[:], features.read(IMAGES, inputs)[:], strict=True):
        torch.testing.assert_close(one, other, equal_nan=True, rtol=1e-3, atol=1e-3)


def test_what_has_none_of_the_images_is_refused_and_the_absent_are_not_at_hand(tmp_path):
    features = features_of(tmp_path, NAMES)
    with pytest.raises(UserError, match="has none of visual, thermal"):
        features.read([Grey(1)], every_input(features))
    gone = AbsentImage("x.png", part(visual=1, thermal=2).identity())
    assert not features.at_hand([gone], every_input(features))
    assert features.at_hand(IMAGES, every_input(features))


def test_identities_of_parts_and_single_images_come_in_their_order(tmp_path):
    images = [Grey(9), IMAGES[0], Grey(2), IMAGES[1]]
    assert identities(images, None) == [image.identity() for image in images]
