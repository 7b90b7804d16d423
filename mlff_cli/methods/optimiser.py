"""AdamW under a one-cycle cosine, on the functional kernels of torch.

The classes of `torch.optim` import torch's compiler when the first of them is made: more than a
second of every run, and a whole run on stored features takes five.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.optim.adamw import adamw

WARM_UP = 0.1
"""Share of the steps in which the learning rate rises."""
FIRST, LAST = 1 / 25, 1 / 250_000
"""Learning rate at the beginning and at the end, as shares of the peak."""
SLOW, QUICK = 0.95, 0.85
"""Momentum where the learning rate is small, and at its peak."""
BETA2, EPSILON = 0.999, 1e-8


@dataclass(frozen=True)
class Optimisation:
    """AdamW with a one-cycle cosine: `learning_rate` is its peak, reached after a tenth."""

    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float


def one_cycle(step: int, steps: int) -> tuple[float, float]:
    """Return the learning rate, as a share of its peak, and the momentum of a step (from 0).

    The shape of `torch.optim.lr_scheduler.OneCycleLR` (Smith and Topin 2018, arXiv 1708.07120).
    """
    top = WARM_UP * (steps + 1) - 1
    small, large = (FIRST, SLOW), (1.0, QUICK)
    if top > 0 and step <= top:
        position, begin, end = step / top, small, large
    else:
        position, begin, end = (step - top) / (steps - top), large, (LAST, SLOW)
    left = (math.cos(math.pi * position) + 1) / 2
    rate, momentum = (to + (here - to) * left for here, to in zip(begin, end, strict=True))
    return rate, momentum


class OneCycleAdamW:
    """AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101) over a known number of steps.

    Attributes:
        param_groups: Where torch's GradScaler looks for the gradients.
    """

    def __init__(self, parameters: Iterable[Tensor], settings: Optimisation, steps: int) -> None:
        self.parameters = list(parameters)
        self.param_groups = [{"params": self.parameters}]
        self.settings = settings
        self.steps = steps
        self.done = 0
        self._averages = [torch.zeros_like(parameter) for parameter in self.parameters]
        self._squares = [torch.zeros_like(parameter) for parameter in self.parameters]
        self._counts = [
            torch.zeros((), dtype=torch.float32, device=parameter.device)
            for parameter in self.parameters
        ]

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for parameter in self.parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Move the parameters that have a gradient, by this step's learning rate."""
        rate, momentum = one_cycle(self.done, self.steps)
        self.done += 1
        rows = [
            (parameter, parameter.grad, *rest)
            for parameter, *rest in zip(
                self.parameters, self._averages, self._squares, self._counts, strict=True
            )
            if parameter.grad is not None
        ]
        if not rows:
            return
        parameters, gradients, averages, squares, counts = map(list, zip(*rows, strict=True))
        adamw(
            parameters,
            gradients,
            averages,
            squares,
            [],
            counts,
            fused=parameters[0].device.type != "mps" or None,
            amsgrad=False,
            beta1=momentum,
            beta2=BETA2,
            lr=self.settings.learning_rate * rate,
            weight_decay=self.settings.weight_decay,
            eps=EPSILON,
            maximize=False,
        )

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed run needs."""
        return {
            "done": self.done,
            "averages": self._averages,
            "squares": self._squares,
            "counts": self._counts,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Load what `state_dict` returned."""
        self.done = int(state["done"])
        for name, tensors in (
            ("averages", self._averages), ("squares", self._squares), ("counts", self._counts)
        ):  # fmt: skip
            _fill(tensors, state[name])


def _fill(tensors: Sequence[Tensor], values: Sequence[Tensor]) -> None:
    # Copied and not exchanged: in another memory layout a kernel would round otherwise.
    for tensor, value in zip(tensors, values, strict=True):
        tensor.copy_(value)
