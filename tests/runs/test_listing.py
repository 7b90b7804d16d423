"""The images of a config are listed and hashed without anything heavy."""

import subprocess
import sys
from dataclasses import replace

import pytest
from configs_for_tests import small_config
from PIL import Image

from mlff_cli.data.surfaces import Surfaces
from mlff_cli.errors import UserError
from mlff_cli.runs.listing import is_current, listing_of


def test_records_come_with_the_contents_of_their_images(tmp_path):
    listing = listing_of(small_config(tmp_path))
    assert len(listing.records) == len(listing.contents) == 60
    assert listing.contents == [record.image.identity() for record in listing.records]
    assert (listing.target_names, listing.skipped) == ((), [])


def test_the_digest_is_that_of_the_data_alone(tmp_path):
    listing = listing_of(small_config(tmp_path))
    again = listing_of(small_config(tmp_path, method="finetune", keys={"seed": 5}))
    assert again.digest == listing.digest
    other = [replace(listing.records[0], labels=("other",)), *listing.records[1:]]
    assert listing.with_records(other).digest != listing.digest


def test_targets_are_named(tmp_path):
    config = small_config(
        tmp_path, data="placement", head="regressor", keys={"data.labelling": "offsets"}
    )
    assert listing_of(config).target_names == ("dx_pixels", "dy_pixels", "angle_degrees")


def test_a_dataset_without_an_image_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(Surfaces, "records", lambda _: [])
    with pytest.raises(UserError, match="dataset=surfaces: there is no image"):
        listing_of(small_config(tmp_path))


def test_a_listing_is_current_until_an_image_is_another(tmp_path):
    pictures = tmp_path / "images" / "good"
    pictures.mkdir(parents=True)
    for name in "ab":
        Image.new("RGB", (16, 16), "red").save(pictures / f"{name}.png")
    config = small_config(tmp_path, data="folder", keys={"data.root": str(tmp_path / "images")})
    listing = listing_of(config)
    assert is_current(listing, config)
    Image.new("RGB", (16, 16), "blue").save(pictures / "b.png")
    assert not is_current(listing, config)
    (pictures / "b.png").unlink()
    with pytest.raises(UserError, match="cannot be read"):
        is_current(listing, config)


@pytest.mark.parametrize("name", ["surfaces", "placement", "folder", "csv", "elpv"])
def test_torch_is_not_needed(name):
    code = (
        "import sys, mlff_cli.runs.listing, mlff_cli.tasks.task, "
        f"mlff_cli.data.{name}; print({{'torch', 'matplotlib', 'hydra'}} & {{*sys.modules}})"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout == "set()\n"
