"""Training on parts: one experience, or many with heads of their own."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mlff_cli.features.columns import Columns, Whole
from mlff_cli.heads.classifier import Classifier
from mlff_cli.heads.regressor import Regressor
from mlff_cli.methods.base import Journal
from mlff_cli.methods.training import Objective, Part, Settings, train
from mlff_cli.system.device import Device

CPU = Device(torch.device("cpu"), None, 8, 0)


class Describe(nn.Module):
    """Two inputs (B, 2) and (B, 1) through one linear layer."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 6)

    def forward(self, inputs):
        return self.layer(torch.cat(list(inputs), dim=1)).tanh()


def settings(epochs=3, batch_size=4, dropout=0.0):
    return Settings(epochs, batch_size, 0.05, 0.0, dropout)


def part(count, seed=0, outputs=("a", "b")):
    """Two classes told apart by a line."""
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randn(count, 3, generator=generator)
    targets = (rows @ torch.tensor([1.0, -2.0, 0.5]) > 0).long()
    columns = Columns(Whole([rows[:, :2], rows[:, 2:]]))
    head = Classifier(6, outputs, hidden=0, label_smoothing=0.0)
    return Part(head, lambda epoch: columns, targets)


def run(describe, parts, chosen=None, **keys):
    train(
        describe, parts, chosen or settings(), device=CPU, journal=Journal(),
        seed_of=lambda epoch: epoch, title="test", **keys,
    )  # fmt: skip


def logits(describe, part):
    return part.head(describe(part.examples(1)[:]))


@pytest.mark.parametrize("counts", [[64], [40, 24], [30, 1, 33]])
def test_every_part_is_learned_by_its_own_head(counts):
    torch.manual_seed(0)
    describe = Describe()
    parts = [part(count, seed) for seed, count in enumerate(counts)]
    run(describe, parts, settings(epochs=40, batch_size=16))
    for learned in parts:
        right = logits(describe, learned).argmax(1) == learned.targets
        assert right.float().mean() > 0.9
    assert not describe.training


def test_the_loss_of_a_batch_is_the_mean_over_its_examples_whatever_their_part():
    torch.manual_seed(0)
    describe = Describe()
    parts = [part(5), part(3, 1), part(4, 2)]
    objective = Objective(describe, parts, 0.0, CPU.device, None)
    positions = torch.tensor([6, 0, 4, 7, 2])  # three of the first, two of the second, none
    first = F.cross_entropy(logits(describe, parts[0])[[0, 4, 2]], parts[0].targets[[0, 4, 2]])
    second = F.cross_entropy(logits(describe, parts[1])[[1, 2]], parts[1].targets[[1, 2]])
    torch.testing.assert_close(objective.loss(positions, 1), (3 * first + 2 * second) / 5)


def test_parts_may_have_heads_of_different_kinds():
    torch.manual_seed(0)
    classes, numbers = part(12), part(12, 1)
    head = Regressor(6, ("width",), hidden=0)
    numbers = Part(head, numbers.examples, torch.randn(12, 1))
    before = head.linear.weight.detach().clone()
    run(Describe(), [classes, numbers])
    assert not torch.equal(head.linear.weight, before)


def test_one_head_may_read_several_parts():
    """As in rehearsal: what is new, and what is kept of before."""
    torch.manual_seed(0)
    describe, first = Describe(), part(24)
    second = Part(first.head, part(24, 1).examples, part(24, 1).targets)
    run(describe, [first, second], settings(epochs=40))
    for learned in (first, second):
        assert (logits(describe, learned).argmax(1) == learned.targets).float().mean() > 0.9


def test_every_epoch_asks_for_its_own_examples():
    asked = []
    plain = part(8)

    def examples(epoch):
        asked.append(epoch)
        return plain.examples(epoch)

    run(Describe(), [Part(plain.head, examples, plain.targets)])
    assert asked == [1, 1, 2, 2, 3, 3]


def test_a_penalty_sees_the_whole_descriptor_and_what_it_describes():
    torch.manual_seed(0)
    parts, describe, seen = [part(8), part(5, 1)], Describe(), []

    def penalty(descriptor, taken):
        made_of = [torch.cat(rows) for rows in zip(*(own[at] for own, at in taken), strict=True)]
        seen.append((tuple(descriptor.shape), [tuple(rows.shape) for rows in made_of]))
        # Dropout of nearly everything must not be seen here.
        assert bool((descriptor != 0).all())
        assert torch.equal(describe(made_of), descriptor)
        return 0 * descriptor.sum()

    run(describe, parts, settings(epochs=1, dropout=0.9), penalty=penalty)
    assert seen == [((count, 6), [(count, 2), (count, 1)]) for count in (4, 4, 5)]


def test_dropout_is_drawn_in_training_from_the_seed_of_the_epoch():
    weights = []
    for dropout in (0.0, 0.5, 0.5):
        torch.manual_seed(0)
        describe = Describe()
        run(describe, [part(12)], settings(dropout=dropout))
        weights.append(describe.layer.weight.detach())
    assert torch.equal(weights[1], weights[2])
    assert not torch.equal(weights[0], weights[1])


def test_half_of_each_batch_is_what_was_learned_before():
    torch.manual_seed(0)
    new, old = part(20), [part(3, 1), part(5, 2)]
    seen = []

    class Counted:
        def __init__(self, name, columns):
            self.name, self.columns = name, columns

        def __getitem__(self, positions):
            seen.append((self.name, positions.tolist()))
            return self.columns[positions]

    def counted(name, part):
        return Part(part.head, lambda epoch: Counted(name, part.examples(epoch)), part.targets)

    run(
        Describe(), [counted("new", new)], settings(epochs=2, batch_size=8),
        rehearsed=[counted(f"old {place}", part) for place, part in enumerate(old)],
    )  # fmt: skip
    # Twenty new ones in batches of four, twice; as many old ones beside them.
    news = [positions for name, positions in seen if name == "new"]
    assert [len(positions) for positions in news] == [4] * 10
    assert sorted(p for positions in news[:5] for p in positions) == list(range(20))
    olds = [positions for name, positions in seen if name != "new"]
    assert sum(map(len, olds)) == 40
    assert {p for name, positions in seen if name == "old 1" for p in positions} == set(range(5))


def test_what_is_rehearsed_is_not_forgotten():
    first, second = part(48), part(48, 3)
    # The same line, and the contrary said of it where the third number is large.
    rows = torch.cat(second.examples(1)[:], dim=1)
    second = Part(first.head, second.examples, second.targets ^ (rows[:, 2] > 0).long())
    accuracy = {}
    for rehearsed in ([], [first]):
        torch.manual_seed(0)
        describe = Describe()
        run(describe, [first], settings(epochs=30, batch_size=16))
        run(describe, [second], settings(epochs=30, batch_size=16), rehearsed=rehearsed)
        right = logits(describe, first).argmax(1) == first.targets
        accuracy[bool(rehearsed)] = right.float().mean()
    assert accuracy[True] >= accuracy[False]
    assert accuracy[True] > 0.9
