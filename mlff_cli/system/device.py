"""Where tensors live, in which precision, with how many processes."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from mlff_cli.errors import UserError
from mlff_cli.system.processes import cores

# Maps of many megabytes, allocated anew for every batch, cost the kernel more than a third of a
# pass in page faults; in huge pages next to nothing. Read at torch's first tensor; Linux only.
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")

PRECISIONS = {"fp32": None, "bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True)
class Device:
    """A device with its precision, batch size without training, and decoding processes."""

    device: torch.device
    autocast_type: torch.dtype | None
    batch_size: int
    workers: int

    @classmethod
    def choose(cls, *, device: str, precision: str, workers: int, batch_size: int) -> "Device":
        """Resolve `auto`: the accelerator that is there, mixed precision on a GPU.

        Raises:
            UserError: The device that is asked for is not there.
        """
        there = {
            "cpu": True,
            "cuda": torch.cuda.is_available(),
            "mps": torch.backends.mps.is_available(),
        }
        if device == "auto":
            device = next(name for name in ("cuda", "mps", "cpu") if there[name])
        if not there[device]:
            usable = ", ".join(name for name in there if there[name])
            raise UserError(f"trainer.device: '{device}' is not there; usable here: {usable}")
        if precision == "auto":
            precision = "bf16" if device == "cuda" and torch.cuda.is_bf16_supported() else "fp32"
        if workers < 0:
            # On a processor the network itself wants the cores; decoding needs few.
            workers = min(cores(), 16) if device == "cuda" else min(2, max(1, cores() // 2))
        return cls(
            torch.device(device),
            PRECISIONS[precision],
            # Small on a processor, whose caches hold no more; larger ones are slower, not faster.
            batch_size or (256 if device == "cuda" else 16),
            workers,
        )

    @property
    def accelerated(self) -> bool:
        """Whether it is anything but the processor."""
        return self.device.type != "cpu"

    def seed(self, seed: int) -> None:
        """Seed the random numbers of the processor and of the accelerator, if there is one.

        `torch.manual_seed` also notes every call for accelerators that are not there: 0.5 MB for
        an experience of twenty epochs, and a tenth of the time of a small one.
        """
        torch.default_generator.manual_seed(seed)
        if self.accelerated:
            getattr(torch, self.device.type).manual_seed(seed)

    @contextmanager
    def autocast(self) -> Iterator[None]:
        """Mixed precision where it was chosen, plain fp32 elsewhere."""
        with torch.autocast(
            self.device.type, dtype=self.autocast_type, enabled=self.autocast_type is not None
        ):
            yield

    def __str__(self) -> str:
        name = torch.cuda.get_device_name() if self.device.type == "cuda" else self.device.type
        kind = str(self.autocast_type).removeprefix("torch.") if self.autocast_type else "float32"
        return f"{name}, {kind}"


@contextmanager
def limited_threads(count: int | None) -> Iterator[None]:
    """Compute on so many threads of the processor, afterwards on as many as before; None: all."""
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
