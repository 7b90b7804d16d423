"""The loop over epochs and batches that every method shares; resumable, and the same each time."""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from tqdm import tqdm

from mlff_cli.device import Device
from mlff_cli.methods.base import Journal


class DivergedError(Exception):
    """The loss became NaN or infinite."""


@dataclass(frozen=True)
class Optimisation:
    """AdamW with a one-cycle cosine: `learning_rate` is its peak, reached after a tenth."""

    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float


def fit(
    modules: Sequence[nn.Module],
    loss: Callable[[Tensor, int], Tensor],
    *,
    count: int,
    settings: Optimisation,
    seed_of: Callable[[int], int],
    device: Device,
    journal: Journal,
    title: str,
) -> None:
    """Train modules on `count` examples.

    Args:
        modules: What trains; put into train mode for it and back into eval mode after.
        loss: Positions (B,) of a batch and the epoch (from 1) to the mean loss.
        count: Number of examples, at least 1.
        settings: How the optimiser goes.
        seed_of: Epoch to seed: order, dropout and augmentation depend on nothing else.
        device: Where, and in which precision.
        journal: Asked for a state to resume from, told of every epoch.
        title: What the progress bar says.

    Raises:
        DivergedError: The loss is no finite number; names epoch and step.
    """
    parameters = [p for module in modules for p in module.parameters() if p.requires_grad]
    if not parameters:
        return
    steps = len(batches(torch.arange(count), settings.batch_size))
    optimiser = torch.optim.AdamW(
        parameters, lr=settings.learning_rate, weight_decay=settings.weight_decay
    )
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, settings.learning_rate, total_steps=steps * settings.epochs + 1, pct_start=0.1
    )
    scaler = torch.amp.GradScaler(device.device.type, enabled=device.autocast_type is torch.float16)
    parts = {"optimiser": optimiser, "scheduler": scheduler, "scaler": scaler}
    first = _resume(modules, parts, journal.resume())
    progress = tqdm(
        range(first, settings.epochs + 1),
        initial=first - 1,
        total=settings.epochs,
        desc=title,
        unit="epoch",
        disable=not sys.stderr.isatty(),
    )
    for epoch in progress:
        _set_mode(modules, training=True)
        torch.manual_seed(seed_of(epoch))
        for step, positions in enumerate(batches(torch.randperm(count), settings.batch_size), 1):
            with device.autocast():
                value = loss(positions, epoch)
            if not bool(torch.isfinite(value)):
                raise DivergedError(f"the loss became {value.item()} in epoch {epoch}, step {step}")
            optimiser.zero_grad(set_to_none=True)
            torch.autograd.backward(scaler.scale(value))
            scaler.step(optimiser)
            scaler.update()
            scheduler.step()
        _set_mode(modules, training=False)
        journal.epoch_done(epoch, settings.epochs, partial(_state, modules, parts, epoch))


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
        module.train(training)


def _state(modules: Sequence[nn.Module], parts: Mapping[str, Any], epoch: int) -> dict[str, Any]:
    return {
        "epoch": epoch,
        "modules": [dict(module.state_dict()) for module in modules],
        **{name: part.state_dict() for name, part in parts.items()},
    }


def _resume(
    modules: Sequence[nn.Module], parts: Mapping[str, Any], state: Mapping[str, Any] | None
) -> int:
    """Load what `_state` gave and return the epoch to go on with."""
    if state is None:
        return 1
    for module, tensors in zip(modules, state["modules"], strict=True):
        module.load_state_dict(tensors)
    for name, part in parts.items():
        part.load_state_dict(state[name])
    return int(state["epoch"]) + 1
