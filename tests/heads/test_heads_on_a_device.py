"""What decides on parts, on a device: nothing is made on the wrong one."""

import pytest
import torch
from card import OnCard, card

from mlff_cli.heads.decision import Decision
from mlff_cli.heads.nearest import Nearest
from mlff_cli.heads.novelty import Novelty, joint_descriptor, level_descriptor


def rows(count: int, width: int = 6, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(seed)
    classes = torch.arange(count) % 3
    return torch.randn(count, width, generator=draw) + classes[:, None], classes


@pytest.mark.parametrize("images", [60, 4])
def test_novelty_is_fitted_and_told_where_descriptors_lie(images):
    training, validation, (others, _) = rows(images), rows(30, seed=1), rows(9, seed=2)
    here = Novelty.fitted(training, validation)
    with card() as device:
        moved = [[part.to(device.device) for part in pair] for pair in (training, validation)]
        there = Novelty.fitted(*map(tuple, moved))
        assert all(isinstance(part, OnCard) for part in there.parts().values())
        told = there(others.to(device.device))
        kept = Novelty.of_parts({name: part.cpu() for name, part in there.parts().items()})
        again = kept.to(device.device)(others.to(device.device))
    assert torch.equal(told.cpu(), here(others)) and torch.equal(again.cpu(), here(others))


def test_products_are_told_apart_where_descriptors_lie():
    kinds = [Novelty.fitted((part, part.new_zeros(40).long()), (part, part.new_zeros(40).long()))
             for part in (rows(40)[0], rows(40, seed=3)[0] + 1)]  # fmt: skip
    others = rows(9, seed=2)[0]
    with card() as device:
        there = Nearest.of([
            Novelty.of_parts({n: p.to(device.device) for n, p in kind.parts().items()})
            for kind in kinds
        ])  # fmt: skip
        told = there(others.to(device.device))
    torch.testing.assert_close(told.cpu(), Nearest.of(kinds)(others))


@pytest.mark.parametrize("exclusive", [True, False])
def test_decisions_are_made_where_scores_lie(exclusive):
    decision = Decision(
        good=0, has_good=True, exclusive=exclusive, threshold=0.4, novelty=0.3, floor=0.5
    )
    scores = rows(9, width=3)[0].softmax(1)
    p_values = rows(9, width=3, seed=1)[0].sigmoid()
    with card() as device:
        there = decision(scores.to(device.device), p_values.to(device.device))
    assert torch.equal(there.cpu(), decision(scores, p_values))


def test_descriptors_are_joined_where_they_lie():
    levels, descriptors = [rows(5)[0], rows(5, seed=1)[0]], rows(5, seed=2)[0]
    with card() as device:
        moved = level_descriptor([level.to(device.device) for level in levels])
        there = joint_descriptor(descriptors.to(device.device), moved)
    assert torch.equal(there.cpu(), joint_descriptor(descriptors, level_descriptor(levels)))
