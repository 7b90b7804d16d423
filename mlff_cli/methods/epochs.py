"""The loop over epochs and batches of all training; resumable, and the same each time."""

import math
from collections.abc import Callable, Iterable, Sequence
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
from mlff_cli.system.silence import no_bars


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
    steps = len(batches(torch.arange(count), settings.batch_size))
    training = _Training(
        modules,
        loss,
        settings=settings,
        steps=steps * settings.epochs,
        device=device,
        journal=journal,
    )
    if not training.parameters:
        return
    done = training.resume()
    progress = tqdm(
        range(done.epoch, settings.epochs + 1),
        initial=done.epoch - 1,
        total=settings.epochs,
        desc=title,
        unit="epoch",
        disable=no_bars(),
    )
    with interruption.delayed(), limited_threads(threads):
        for epoch in progress:
            training.epoch(epoch, count, seed_of(epoch), done)
    training.optimiser.zero_grad()  # of hundreds of products they would take as much as the layers


class _Training:
    """Modules with their optimiser, epoch by epoch, and all that a resumed run needs of them."""

    def __init__(
        self,
        modules: Sequence[nn.Module],
        loss: Callable[[Tensor, int], Tensor],
        *,
        settings: Optimisation,
        steps: int,
        device: Device,
        journal: Journal,
    ) -> None:
        self.modules = modules
        self.loss = loss
        self.settings = settings
        self.device = device
        self.journal = journal
        self.parameters = [p for module in modules for p in module.parameters() if p.requires_grad]
        self.optimiser = OneCycleAdamW(self.parameters, settings, steps)
        half = device.autocast_type is torch.float16
        self.scaler = torch.amp.GradScaler(device.device.type, enabled=half)

    def epoch(self, epoch: int, count: int, seed: int, done: "Position") -> None:
        """Train on all examples once, or on those that are left of the epoch in `done`."""
        _set_mode(self.modules, training=True)
        self.device.seed(seed)
        order = batches(torch.randperm(count), self.settings.batch_size)
        first = 0
        if epoch == done.epoch:
            done.restore_random(self.device)
            first = done.steps
        for step, positions in enumerate(order[first:], start=first + 1):
            self._step(positions, epoch, step)
            if interruption.is_waiting():
                self._break_off(Position.now(epoch, step, self.device))
        self._require_finite(epoch)
        _set_mode(self.modules, training=False)
        here = Position.now(epoch, len(order), self.device)
        self.journal.epoch_done(epoch, self.settings.epochs, partial(self._state, here))

    def _step(self, positions: Tensor, epoch: int, step: int) -> None:
        with self.device.autocast():
            value = self.loss(positions, epoch)
        number = value.item()
        if not math.isfinite(number):
            raise DivergedError(f"the loss became {number} in epoch {epoch}, step {step}")
        self.optimiser.zero_grad()
        torch.autograd.backward(self.scaler.scale(value))
        self.scaler.step(self.optimiser)  # type: ignore[arg-type] # has all that it looks for
        self.scaler.update()

    def _break_off(self, here: "Position") -> None:
        _set_mode(self.modules, training=False)
        self.journal.interrupted(self._state(here))
        interruption.obey()

    def _require_finite(self, epoch: int) -> None:
        # A loss that stays finite can still have driven a weight out of range.
        if not all(bool(torch.isfinite(parameter).all()) for parameter in self.parameters):
            raise DivergedError(f"a weight became NaN or infinite in epoch {epoch}")

    def _state(self, here: "Position") -> dict[str, Any]:
        return {
            "position": vars(here),
            "modules": [dict(module.state_dict()) for module in self.modules],
            "optimiser": self.optimiser.state_dict(),
            "scaler": self.scaler.state_dict(),
        }

    def resume(self) -> "Position":
        """Load the state that a broken-off run left and return where it was taken."""
        state = self.journal.resume()
        if state is None:
            return Position()
        for module, tensors in zip(self.modules, state["modules"], strict=True):
            module.load_state_dict(tensors)
        self.optimiser.load_state_dict(state["optimiser"])
        self.scaler.load_state_dict(state["scaler"])
        return Position(**state["position"])


@dataclass(frozen=True)
class Position:
    """Where training stands: steps done in an epoch, and the random states after them."""

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
