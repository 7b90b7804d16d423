"""The records of a config are listed without anything heavy."""

import subprocess
import sys

import pytest
from configs_for_tests import small_config
from mlff_cli.runs.records import list_records

from mlff_cli.data.surfaces import Surfaces
from mlff_cli.errors import UserError


def test_records_come_with_the_dataset_that_listed_them(tmp_path):
    records, dataset = list_records(small_config(tmp_path))
    assert isinstance(dataset, Surfaces)
    assert [record.name for record in records] == [record.name for record in dataset.records()]


def test_a_dataset_without_an_image_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(Surfaces, "records", lambda _: [])
    with pytest.raises(UserError, match="dataset=surfaces: there is no image"):
        list_records(small_config(tmp_path))


@pytest.mark.parametrize("name", ["surfaces", "placement", "folder", "csv", "elpv"])
def test_torch_is_not_needed_to_list_records(name):
    code = (
        "import sys, mlff_cli.runs.records, mlff_cli.tasks.task, "
        f"mlff_cli.data.{name}; print({{'torch', 'matplotlib', 'hydra'}} & {{*sys.modules}})"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout == "set()\n"
