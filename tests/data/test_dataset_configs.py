from dataclasses import fields
from importlib import import_module

import pytest

from mlff_cli.config.shipped import configs_folder, shipped
from mlff_cli.data.files import FileDataset
from mlff_cli.runs.registry import implementation

FILE_SETS = ["csv", "elpv", "folder", "magnetic_tile", "neu_cls", "real_surfaces"]


@pytest.mark.parametrize("name", FILE_SETS)
def test_the_yaml_of_a_file_set_gives_its_arguments_and_their_defaults(name):
    keys = shipped(f"dataset/{name}")
    assert keys.pop("name") == name
    kind = implementation("data", {"name": name}, FileDataset).func
    assert kind.__module__ == import_module(f"mlff_cli.data.{name}").__name__
    assert set(keys) == {field.name for field in fields(kind) if field.init}
    assert kind(**keys) == kind()
    path = configs_folder() / "dataset" / f"{name}.yaml"
    assert "# @package data" in path.read_text().splitlines()[:2]
