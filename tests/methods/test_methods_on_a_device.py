"""Whole sequences on a device: nothing is made on the wrong one, and the bytes are the same."""

from pathlib import Path

import pytest
import torch
from card import OnCard, WrongDeviceError, card
from configs_for_tests import learned, small_config, task_of, tiny_backbone

from mlff_cli.methods.linear_discriminant import discriminants
from mlff_cli.methods.ridge import PENALTIES, held_out_errors, ridge
from mlff_cli.methods.sums import Sums
from mlff_cli.runs.calibrating import calibrated

CASES = {
    "local fusion, a head that grows, exemplars": {
        "fusion": "local", "schedule": "by_class", "head": "classifier",
        "keys": {"schedule.heads": "shared", "head.class_weights": "balanced",
                 "fusion.layers": 2, "fusion.pooled": ["mean"]},
    },
    "new variations in every epoch": {
        "fusion": "authors",
        "keys": {"features.variations": 0, "head.hidden": 8},
    },
    "closed form, ridge": {"method": "closed_form", "head": "multi_label"},
    "closed form, discriminant": {"method": "closed_form", "keys": {"features.variations": 2}},
    "joint, numbers": {
        "method": "joint", "data": "placement", "head": "regressor", "fusion": "conv1x1_grid",
        "keys": {"data.images_per_class": 4, "data.labelling": "offsets"},
    },
    "fine-tuning": {"method": "finetune"},
}  # fmt: skip


def outcome(folder: Path, choices: dict, weights_of) -> tuple:
    """Return what is learned, the scores, what novelty is told by, and where it was looked."""
    keys = {**tiny_backbone(weights_of), **choices.get("keys", {})}
    if choices.get("method") != "closed_form":
        keys["method.epochs"] = 1
    config = small_config(folder, backbone="timm", **{**choices, "keys": keys})
    method, done = learned(config, folder / "state")
    experiences = task_of(config).experiences
    heads = calibrated(config, experiences, method).heads
    novelty = {
        f"{name}.{part}": tensor
        for name, head in heads.items()
        for part, tensor in head.novelty.parts().items()
    }
    state = method.state()
    first = experiences[0]
    images = [record.image for record in first.test[:3]]
    places = method.where(first.head, images, [0, 1, 0]) if method.has_places else None
    done.matrix.to_csv(folder / "matrix.csv")
    scores = (folder / "matrix.csv").read_bytes()
    return {**state.tensors, **state.kept, **novelty}, scores, places


@pytest.mark.parametrize("case", CASES)
def test_a_device_learns_what_the_processor_learns(case, tmp_path, weights_of):
    with card(batch_size=8) as device:
        there = outcome(tmp_path / "there", CASES[case], weights_of)
    assert torch.zeros(2).device.type == "cpu" and device.device.type == "meta"
    here = outcome(tmp_path / "here", CASES[case], weights_of)
    assert there[0].keys() == here[0].keys() and len(here[0]) > 3
    unlike = {name for name in here[0] if not torch.equal(there[0][name], here[0][name])}
    assert unlike == set()
    assert there[1] == here[1]
    assert (there[2] is None) == (here[2] is None)
    if here[2] is not None:
        assert (there[2] == here[2]).all()


@pytest.mark.parametrize("lie", ["card", "processor"])
def test_what_is_solved_lies_where_the_sums_lie(lie):
    draw = torch.Generator().manual_seed(0)
    rows, targets = torch.randn(2, 20, 4, generator=draw, dtype=torch.float64)
    classes = torch.nn.functional.one_hot(torch.arange(20) % 4).double()
    with card() as device:
        where = device.device if lie == "card" else torch.device("cpu")
        errors = torch.zeros(len(PENALTIES), dtype=torch.float64)
        own, numbers = Sums.of(rows, classes, errors), Sums.of(rows, targets, errors)
        own, numbers = (
            Sums(*(part.to(where) for part in vars(sums).values())) for sums in (own, numbers)
        )
        solved = [
            *discriminants(own.output_counts, own.output_totals, own.outer),
            *ridge(numbers, 0.1),
            held_out_errors(numbers, rows.to(where), targets.to(where), targets.var(0).to(where)),
        ]
    assert {tensor.device for tensor in solved} == {where}
    assert all(bool(torch.isfinite(tensor.cpu()).all()) for tensor in solved)


def test_the_card_notices_what_a_gpu_would():
    with card() as device:
        there = torch.ones(3, 2, device=device.device)
        assert isinstance(there, OnCard)
        assert isinstance(there * 2, OnCard) and (there * 2).cpu().tolist() == [[2, 2]] * 3
        with pytest.raises(
            WrongDeviceError, match="mm: tensors on the device and on the processor"
        ):
            there @ torch.ones(2, 2)
        with pytest.raises(WrongDeviceError, match="cpu"):
            there.numpy()
        assert isinstance(there[torch.tensor([0, 2])], OnCard), "places may lie on the processor"
        assert isinstance(there + torch.tensor(1.0), OnCard), "a number may as well"
