"""AdamW on functional kernels does what torch.optim's classes do."""

import subprocess
import sys

import pytest
import torch
from torch import nn

from mlff_cli.methods.optimiser import OneCycleAdamW, Optimisation, one_cycle

SETTINGS = Optimisation(epochs=1, batch_size=8, learning_rate=0.01, weight_decay=0.1)


def model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(64, 2))


def loss(network, step):
    images = torch.randn(8, 3, 6, 6, generator=torch.Generator().manual_seed(step))
    return network(images).square().mean()


@pytest.mark.parametrize("steps", [1, 2, 10, 25, 200])
def test_learning_rate_and_momentum_are_those_of_one_cycle(steps):
    optimiser = torch.optim.AdamW([nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, 1.0, total_steps=steps + 1, pct_start=0.1
    )
    for step in range(steps):
        group = optimiser.param_groups[0]
        expected = (group["lr"], group["betas"][0])
        assert one_cycle(step, steps) == pytest.approx(expected, abs=1e-9)
        optimiser.step()
        schedule.step()


def test_nine_steps_begin_at_the_peak():
    """Their warm-up has no length: OneCycleLR would divide by it."""
    rates = [one_cycle(step, 9)[0] for step in range(9)]
    assert rates[0] == 1
    assert rates == sorted(rates, reverse=True)


def test_its_steps_are_those_of_adamw():
    ours, theirs = model(), model()
    optimiser = OneCycleAdamW(ours.parameters(), SETTINGS, 30)
    other = torch.optim.AdamW(theirs.parameters(), lr=0.01, weight_decay=0.1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(other, 0.01, total_steps=31, pct_start=0.1)
    for step in range(30):
        for network, steps in ((ours, optimiser), (theirs, other)):
            steps.zero_grad()
            loss(network, step).backward()
            steps.step()
        schedule.step()
    for own, other_parameter in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(own, other_parameter, rtol=1e-4, atol=1e-6)


def test_what_has_no_gradient_stays():
    network = nn.ModuleList([nn.Linear(2, 2), nn.Linear(2, 2)])
    optimiser = OneCycleAdamW(network.parameters(), SETTINGS, 3)
    before = network[1].weight.detach().clone()
    optimiser.step()
    network[0](torch.ones(1, 2)).sum().backward()
    moved = network[0].weight.detach().clone()
    optimiser.step()
    assert torch.equal(network[1].weight, before)
    assert not torch.equal(network[0].weight, moved)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_taken_up_in_the_middle_it_ends_bit_by_bit_where_it_would_have(layout):
    whole = model().to(memory_format=layout)
    optimiser = OneCycleAdamW(whole.parameters(), SETTINGS, 10)
    for step in range(10):
        if step == 5:
            state = whole.state_dict()
            weights = {name: value.contiguous().clone() for name, value in state.items()}
            kept = {
                key: [tensor.contiguous().clone() for tensor in value]
                if isinstance(value, list) else value
                for key, value in optimiser.state_dict().items()
            }  # fmt: skip
        optimiser.zero_grad()
        loss(whole, step).backward()
        optimiser.step()
    resumed = model().to(memory_format=layout)
    resumed.load_state_dict(weights)
    again = OneCycleAdamW(resumed.parameters(), SETTINGS, 10)
    again.load_state_dict(kept)
    for step in range(5, 10):
        again.zero_grad()
        loss(resumed, step).backward()
        again.step()
    for own, other in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(own, other)


def test_training_imports_no_compiler():
    code = """
import sys, torch
from mlff_cli.methods.optimiser import OneCycleAdamW, Optimisation
layer = torch.nn.Linear(2, 2)
optimiser = OneCycleAdamW(layer.parameters(), Optimisation(1, 2, 0.1, 0.0), 2)
layer(torch.ones(1, 2)).sum().backward()
optimiser.step()
sys.exit("torch._dynamo" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
