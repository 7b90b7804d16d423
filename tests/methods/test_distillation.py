"""What a fusion layer gave before is asked of the layer once, and stays what it was."""

from weakref import ref

import torch

from mlff_cli.features.columns import Columns, Whole
from mlff_cli.fusion.base import FusionLayer
from mlff_cli.methods.distillation import Before


class Doubling(FusionLayer):
    """Twice a weight times the only input; counts the rows that it is asked for, copies too."""

    asked = 0

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor(1.0))

    def forward(self, inputs):
        type(self).asked += len(inputs[0])
        return 2 * self.weight * inputs[0]


def columns(start, count):
    return Columns(Whole([torch.arange(start, start + count, dtype=torch.float32)[:, None]]))


def test_each_example_is_described_once_by_the_layer_as_it_was(monkeypatch):
    monkeypatch.setattr(Doubling, "asked", 0)
    monkeypatch.setattr("mlff_cli.features.columns.ROWS_AT_ONCE", 3)  # the last batch is ragged
    fusion, first, second = Doubling(), columns(0, 7), columns(10, 1)
    before = Before(fusion)
    with torch.no_grad():
        fusion.weight.fill_(5)
    for _ in range(3):
        found = before.of([(first, torch.tensor([6, 2])), (second, torch.tensor([0]))])
        assert found.flatten().tolist() == [12, 4, 20]
        assert not found.requires_grad
    assert Doubling.asked == 8


def test_what_is_drawn_anew_is_described_anew_and_not_kept():
    before = Before(Doubling())
    for epoch in range(3):
        drawn = columns(epoch, 2)
        assert before.of([(drawn, torch.tensor([1]))]).item() == 2 * (epoch + 1)
        left = ref(drawn)
        del drawn
        assert left() is None
