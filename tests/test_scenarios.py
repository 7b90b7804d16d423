"""The shipped tasks as they compose: which experiences they make of which images."""

from importlib.util import find_spec

import pytest
from configs_for_tests import task_of

from mlff_cli.config.composition import compose_config
from mlff_cli.data.placement import CLASSES
from mlff_cli.errors import UserError

SURFACES = ["brushed_metal", "woven_fabric", "glazed_ceramic"]


def config_of(*overrides):
    return compose_config("train", overrides)


def experiences_of(*overrides):
    return task_of(config_of(*overrides)).experiences


def test_component_misalignment_is_five_batches_with_the_same_classes_and_one_head():
    experiences = experiences_of("task=component_misalignment", "data.images_per_class=8")
    assert [e.name for e in experiences] == [f"batch_{number}" for number in range(1, 6)]
    assert {(e.head, e.outputs, e.learned) for e in experiences} == {("shared", CLASSES, True)}
    for experience in experiences:
        assert {record.batch for record in experience.train} == {experience.name}
        assert experience.test


def test_component_misalignment_learns_offsets_of_the_same_images():
    experiences = experiences_of(
        "task=component_misalignment", "head=regressor", "data.labelling=offsets"
    )
    names = ("dx_pixels", "dy_pixels", "angle_degrees")
    assert {(e.head, e.outputs) for e in experiences} == {("shared", names)}
    assert all(len(record.targets) == 3 for e in experiences for record in e.train)


def test_a_regressor_without_targets_says_how_to_get_them():
    with pytest.raises(UserError, match=r"data\.labelling=offsets"):
        experiences_of("task=component_misalignment", "head=regressor")


def test_surface_roughness_is_five_batches_whose_one_number_bears_its_unit():
    experiences = experiences_of("task=surface_roughness", "data.images_per_class=8")
    assert [e.name for e in experiences] == [f"batch_{number}" for number in range(1, 6)]
    assert {(e.head, e.outputs) for e in experiences} == {("shared", ("Ra_micrometres",))}
    for experience in experiences:
        assert len({record.labels for record in experience.test}) == 4
        assert all(0.1 <= record.targets[0] <= 1.6 for record in experience.test)


def test_many_products_are_experiences_with_a_head_and_classes_each():
    experiences = experiences_of("task=many_products", "data.products=6")
    assert [e.name for e in experiences] == [f"product_{number:03d}" for number in range(1, 7)]
    assert [e.head for e in experiences] == [e.name for e in experiences]
    outputs = [e.outputs for e in experiences]
    assert outputs[:3] == [("good", "scratch"), ("good", "broken_thread"), ("good", "crack")]
    assert outputs[3:] == outputs[:3]


def test_fine_tuning_varies_only_what_leaves_the_placement_as_it_is():
    config = config_of("task=component_misalignment", "method=finetune")
    assert config["data"]["variations"] == ["brightness"]
    assert config["method"]["variations"] is True


def test_cross_product_scores_the_last_product_without_training_on_it():
    experiences = experiences_of("task=cross_product", "data.images_per_class=8")
    assert [(e.name, e.learned) for e in experiences] == list(
        zip(SURFACES, [True, True, False], strict=True)
    )
    assert {(e.head, e.outputs) for e in experiences} == {("shared", ("good", "defect"))}
    unseen = experiences[-1]
    assert not unseen.train and len(unseen.test) == 16


@pytest.mark.parametrize("unseen", SURFACES)
def test_every_product_takes_its_turn_as_the_unseen_one_in_any_order(unseen):
    seen = [name for name in SURFACES if name != unseen]
    order = [unseen, *reversed(seen)]
    experiences = experiences_of(
        "task=cross_product",
        "data.images_per_class=8",
        f"schedule.unseen=[{unseen}]",
        f"order=[{','.join(order)}]",
    )
    assert [e.name for e in experiences] == [*reversed(seen), unseen]
    assert [e.learned for e in experiences] == [True, True, False]


@pytest.mark.skipif(find_spec("elpv_dataset") is None, reason="needs the extra elpv")
@pytest.mark.parametrize("unseen", ["mono", "poly"])
def test_cross_product_on_solar_cells_leaves_one_kind_of_cell_unseen(unseen):
    experiences = experiences_of(
        "task=cross_product", "dataset=elpv", f"schedule.unseen=[{unseen}]"
    )
    assert [e.learned for e in experiences] == [True, False]
    assert experiences[-1].name == unseen
    assert len(experiences[-1].test) == {"mono": 1074, "poly": 1550}[unseen]
