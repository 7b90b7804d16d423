"""The loop that every method shares."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from mlff_cli.methods.base import Journal
from mlff_cli.methods.epochs import DivergedError, batches, run_epochs
from mlff_cli.methods.optimiser import Optimisation
from mlff_cli.system.device import Device

CPU = Device(torch.device("cpu"), None, 8, 0)


def run(modules, loss, *, count=10, epochs=3, batch_size=4, journal=None):
    run_epochs(
        modules,
        loss,
        count=count,
        settings=Optimisation(epochs, batch_size, 0.05, 0.0),
        seed_of=lambda epoch: epoch,
        device=CPU,
        journal=journal or Journal(),
        title="test",
    )


def line():
    torch.manual_seed(0)
    inputs = torch.randn(64, 3)
    targets = inputs @ torch.tensor([[1.0], [-2.0], [0.5]])
    model = nn.Linear(3, 1)
    return model, lambda rows, epoch: (model(inputs[rows]) - targets[rows]).pow(2).mean()


@given(st.integers(1, 200), st.integers(2, 40))
def test_batches_cover_every_position_once_and_none_is_alone(count, size):
    order = torch.randperm(count)
    parts = batches(order, size)
    assert torch.equal(torch.cat(parts), order)
    assert all(len(part) <= size + 1 for part in parts)
    assert count == 1 or all(len(part) > 1 for part in parts)


def test_it_finds_a_line():
    model, loss = line()
    run([model], loss, count=64, epochs=60, batch_size=16)
    assert loss(torch.arange(64), 1).item() < 1e-3
    assert not model.training
    assert all(parameter.grad is None for parameter in model.parameters()), "memory of each product"


def test_every_epoch_sees_every_example_in_another_order():
    model, loss = line()
    seen = {}

    def watch(rows, epoch):
        seen.setdefault(epoch, []).extend(rows.tolist())
        return loss(rows, epoch)

    run([model], watch, count=10, epochs=3)
    assert list(seen) == [1, 2, 3]
    assert all(sorted(rows) == list(range(10)) for rows in seen.values())
    assert seen[1] != seen[2] != seen[3]


def test_the_order_of_an_epoch_depends_on_its_seed_alone():
    """A run resumed within an epoch draws the order again, after other draws."""
    orders = []
    for draws in (0, 3):
        model, loss = line()
        seen = []

        def watch(rows, epoch, loss=loss, seen=seen, draws=draws):
            torch.rand(draws)
            seen.append(rows.tolist())
            return loss(rows, epoch)

        run([model], watch)
        orders.append(seen)
    assert orders[0] == orders[1]


def test_modules_train_in_train_mode_unless_nothing_in_them_trains():
    model, loss = line()
    passive = nn.BatchNorm1d(3).requires_grad_(False).eval()
    modes = set()

    def watch(rows, epoch):
        modes.add((model.training, passive.training))
        return loss(rows, epoch)

    run([passive, model], watch)
    assert modes == {(True, False)}


def test_nothing_to_train_is_no_work():
    run([nn.Identity()], lambda rows, epoch: pytest.fail("asked for a loss"))


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_names_epoch_and_step(bad):
    model, loss = line()
    seen = []

    def spoilt(rows, epoch):
        seen.append(epoch)
        return loss(rows, epoch) * (bad if seen.count(2) == 3 else 1)

    with pytest.raises(DivergedError, match=f"{bad} in epoch 2, step 3"):
        run([model], spoilt)


@pytest.mark.parametrize(("count", "epochs"), [(2, 1), (2, 9), (12, 3), (36, 1), (40, 1), (4, 40)])
def test_any_number_of_steps_has_a_learning_rate(count, epochs):
    """Among them ten steps, by whose warm-up of none OneCycleLR divides."""
    model, loss = line()
    before = model.weight.detach().clone()
    run([model], loss, count=count, epochs=epochs)
    assert not torch.equal(model.weight, before)


def test_a_weight_that_is_no_number_is_noticed_and_not_kept():
    """The loss of the last step is finite and its gradient is not: sqrt at 0."""
    model = nn.Linear(3, 1, bias=False)
    kept = []

    class Keeps(Journal):
        def epoch_done(self, epoch, epochs, state):
            kept.append(epoch)

    def loss(rows, epoch):
        value = model(torch.ones(1, 3)).pow(2).sum()
        return value if epoch == 1 else (value * 0).sqrt()

    with pytest.raises(DivergedError, match="epoch 2"):
        run([model], loss, count=4, epochs=3, journal=Keeps())
    assert kept == [1]
