"""The loop over epochs and batches that every method shares; resumable, and the same each time."""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from tqdm import tqdm

from mlff_cli.methods.base import Journal
from mlff_cli.methods.optimiser import OneCycleAdamW, Optimisation
from mlff_cli.system import interruption
from mlff_cli.system.device import Device, limited_threads


class DivergedError(Exception):
    """The loss or a weight became NaN or infinite."""


def run_epochs(
    modules: Sequence[nn.Module],
    loss: Callable[[Tensor, int], Tensor],
    *,
    count: int,
    settings: Optimisation,
    seed_of: Callable[[int], int],
    device: Device,
    journal: Journal,
    title: str,
    threads: int | None = None,
) -> None:
    """Train modules on `count` examples.

    Args:
        modules: What trains; put into train mode for it and back into eval mode after.
        loss: Positions (B,) of a batch and the epoch (from 1) to the mean loss.
        count: Number of examples, at least 1.
        settings: How the optimiser goes.
        seed_of: Epoch to seed: order, dropout and variations depend on nothing else.
        device: Where, and in which precision.
        journal: Asked for a state to resume from, told of every epoch and of an interruption.
        title: What the progress bar says.
        threads: Of the processor, whatever the machine has; None: as many as there are.

    Raises:
        DivergedError: The loss or a weight is no finite number; names epoch and step.
    """
    parameters = [p for module in modules for p in module.parameters() if p.requires_grad]
    if not parameters:
        return
    steps = len(batches(torch.arange(count), settings.batch_size))
    optimiser = OneCycleAdamW(parameters, settings, steps * settings.epochs)
    scaler = torch.amp.GradScaler(device.device.type, enabled=device.autocast_type is torch.float16)
    parts = {"optimiser": optimiser, "scaler": scaler}
    done = _resume(modules, parts, device, journal.resume())
    progress = tqdm(
        range(done.epoch, settings.epochs + 1),
        initial=done.epoch - 1,
        total=settings.epochs,
        desc=title,
        unit="epoch",
        disable=not sys.stderr.isatty(),
    )
    with interruption.delayed(), limited_threads(threads):
        for epoch in progress:
            _set_mode(modules, training=True)
            torch.manual_seed(seed_of(epoch))
            order = batches(torch.randperm(count), settings.batch_size)
            if epoch == done.epoch:
                done.restore_random(device)
            for step in range(1 + (done.steps if epoch == done.epoch else 0), steps + 1):
                with device.autocast():
                    value = loss(order[step - 1], epoch)
                if not bool(torch.isfinite(value)):
                    raise DivergedError(
                        f"the loss became {value.item()} in epoch {epoch}, step {step}"
                    )
                optimiser.zero_grad()
                torch.autograd.backward(scaler.scale(value))
                scaler.step(optimiser)  # type: ignore[arg-type] # has all that it looks for
                scaler.update()
                if interruption.is_waiting():
                    _set_mode(modules, training=False)
                    journal.interrupted(_state(modules, parts, Position.now(epoch, step, device)))
                    interruption.obey()
            if not all(bool(torch.isfinite(parameter).all()) for parameter in parameters):
                # A loss that stays finite can still have driven a weight out of range.
                raise DivergedError(f"a weight became NaN or infinite in epoch {epoch}")
            _set_mode(modules, training=False)
            here = Position.now(epoch, steps, device)
            journal.epoch_done(epoch, settings.epochs, partial(_state, modules, parts, here))


@dataclass(frozen=True)
class Position:
    """Where training stands: steps done in an epoch, and the random states behind them."""

    epoch: int = 1
    steps: int = 0
    random: Sequence[Tensor] = ()

    @classmethod
    def now(cls, epoch: int, steps: int, device: Device) -> "Position":
        """Return the position with the random states of processor and accelerator."""
        states = [torch.get_rng_state()]
        if device.accelerated:
            states.append(getattr(torch, device.device.type).get_rng_state())
        return cls(epoch, steps, states)

    def restore_random(self, device: Device) -> None:
        """Set the random states to those of this position, as far as they are known."""
        if self.random:
            torch.set_rng_state(self.random[0])
        if device.accelerated and len(self.random) == 2:
            getattr(torch, device.device.type).set_rng_state(self.random[1])


def batches(order: Tensor, size: int) -> list[Tensor]:
    """Cut positions (N,) into batches; a last batch of one joins the one before it.

    BatchNorm cannot take a variance from one example.
    """
    parts = list(torch.split(order, size))
    if len(parts) > 1 and len(parts[-1]) == 1:
        parts[-2:] = [torch.cat(parts[-2:])]
    return parts


def _set_mode(modules: Iterable[nn.Module], *, training: bool) -> None:
    for module in modules:
        # What only passes features on must not follow them either: BatchNorm in train mode would.
        trains = any(parameter.requires_grad for parameter in module.parameters())
        module.train(training and trains)


def _state(
    modules: Sequence[nn.Module], parts: Mapping[str, Any], position: Position
) -> dict[str, Any]:
    return {
        "position": vars(position),
        "modules": [dict(module.state_dict()) for module in modules],
        **{name: part.state_dict() for name, part in parts.items()},
    }


def _resume(
    modules: Sequence[nn.Module],
    parts: Mapping[str, Any],
    device: Device,
    state: Mapping[str, Any] | None,
) -> Position:
    """Load what `_state` gave and return where it was taken."""
    if state is None:
        return Position()
    for module, tensors in zip(modules, state["modules"], strict=True):
        module.load_state_dict(tensors)
    for name, part in parts.items():
        part.load_state_dict(state[name])
    return Position(**state["position"])
