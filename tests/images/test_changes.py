from pathlib import Path

import pytest
import yaml

from mlff_cli.data.folder import Folder
from mlff_cli.data.surfaces import Surfaces
from mlff_cli.errors import UserError
from mlff_cli.images.changes import CHANGES, check_changes

FILES = sorted((Path(__file__).parents[2] / "configs/dataset").glob("*.yaml"))


def test_an_unknown_change_is_named_with_the_nearest_right_one():
    check_changes(CHANGES)
    check_changes([])
    with pytest.raises(UserError, match=r"data\.augmentation: 'flip' is unknown; did you mean 'fl"):
        check_changes(["brightness", "flip"])


@pytest.mark.parametrize("dataset", [Surfaces, Folder])
def test_datasets_refuse_unknown_changes(dataset):
    with pytest.raises(UserError, match="'shift' is unknown"):
        dataset(augmentation=["shift"])


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_dataset_says_which_changes_leave_its_labels_true(file):
    keys = yaml.safe_load(file.read_text())
    if "defaults" in keys:  # a variant of another dataset
        return
    assert set(keys["augmentation"]) <= set(CHANGES)


def test_offsets_survive_neither_flips_nor_shifts():
    placement = next(file for file in FILES if file.stem == "placement")
    assert yaml.safe_load(placement.read_text())["augmentation"] == ["brightness"]
