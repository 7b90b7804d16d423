"""Names in configs become the classes of the files of that name."""

import sys

import pytest

from mlff_cli.backbones.recipe import BackboneRecipe
from mlff_cli.config.shipped import choices, shipped
from mlff_cli.data.base import Dataset
from mlff_cli.errors import UserError
from mlff_cli.fusion.base import FusionLayer
from mlff_cli.heads.base import Head
from mlff_cli.methods.base import Method
from mlff_cli.runs.registry import implementation

KINDS = {
    "dataset": ("data", Dataset),
    "backbone": ("backbones", BackboneRecipe),
    "fusion": ("fusion", FusionLayer),
    "head": ("heads", Head),
    "method": ("methods", Method),
}


# A choice without a name of its own varies another one.
NAMED = [(g, c) for g in KINDS for c in choices(g) if "name" in shipped(f"{g}/{c}")]


@pytest.mark.parametrize(("group", "choice"), NAMED)
def test_every_shipped_choice_has_its_class(group, choice):
    package, base = KINDS[group]
    section = shipped(f"{group}/{choice}")
    made = implementation(package, section, base)
    assert issubclass(made.func, base)
    assert made.func.__module__ == f"mlff_cli.{package}.{section['name']}"
    assert made.keywords == {key: value for key, value in section.items() if key != "name"}


def test_the_keys_of_the_section_are_filled_in():
    head = implementation(
        "heads", {"name": "classifier", "hidden": 3, "label_smoothing": 0.1}, Head
    )
    made = head(5, ("good", "pit"))
    assert made.label_smoothing == 0.1
    assert made.hidden[0].out_features == 3


@pytest.mark.parametrize(
    "name",
    ["nothing_there", "../errors", "os.path", "base.FusionLayer", "", "conv1x1; import os", "1"],
)
def test_nothing_but_a_module_of_the_package_is_imported(name):
    before = set(sys.modules)
    with pytest.raises(UserError, match="has a YAML and no code"):
        implementation("fusion", {"name": name}, FusionLayer)
    assert not any("os.path" in added for added in set(sys.modules) - before)


def test_a_module_without_such_a_class_is_named():
    with pytest.raises(UserError, match=r"mlff_cli/data/manifest\.py defines no Dataset"):
        implementation("data", {"name": "manifest"}, Dataset)


def test_a_class_that_is_only_imported_does_not_count():
    with pytest.raises(UserError, match="defines no FusionLayer"):
        implementation("methods", {"name": "frozen"}, FusionLayer)
