"""The installed backbones, tried on training images; nothing is fetched for it."""

import pytest
import torch
from configs_for_tests import random_state, small_config, task_of

from mlff_cli.runs.backbones import other_fits
from mlff_cli.runs.listing import listing_of


@pytest.fixture
def fits(tmp_path, monkeypatch, no_network):
    """Return the fits of a small task, and what was tried of the network."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr("mlff_cli.runs.backbones.choices", lambda _: ["resnet18", "timm"])
    config = small_config(tmp_path)

    def made():
        found = list(other_fits(config, listing_of(config), task_of(config).experiences))
        assert no_network == []
        return found

    return made


def test_what_is_not_on_the_machine_is_no_choice(fits):
    assert fits() == []


def test_what_is_there_is_tried_on_training_images(fits, tmp_path):
    file = tmp_path / "torch" / "hub" / "checkpoints" / "resnet18-f37072fd.pth"
    file.parent.mkdir(parents=True)
    torch.save(random_state("resnet18"), file)
    (fit,) = fits()
    assert fit.backbone == "resnet18"
    assert set(fit.together) == {"brushed_metal", "woven_fabric", "glazed_ceramic"}
    assert all(set(own) == {f"layer{n}" for n in range(1, 5)} for own in fit.levels.values())


def test_one_that_cannot_be_used_is_told_and_left_out(fits, tmp_path, caplog):
    file = tmp_path / "torch" / "hub" / "checkpoints" / "resnet18-f37072fd.pth"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"no weights")
    with caplog.at_level("INFO"):
        assert fits() == []
    assert "backbone=resnet18 is not tried" in caplog.text
