"""Images to the device and features back, on a GPU while it computes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor


@dataclass(frozen=True)
class Arriving:
    """Columns on their way to the CPU.

    Attributes:
        nbytes: Of all of them.
        wait: Returns them (B, ...) as soon as they are there.
    """

    nbytes: int
    wait: Callable[[], dict[str, Tensor]]


class Transfer:
    """Where nothing can be overlapped: the processor, or a device that shares its memory.

    Attributes:
        ahead: Chunks of features that may be computed while an earlier one is handed on.
    """

    ahead = 0

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def there(self, images: Tensor) -> Tensor:
        """Return images (B, ...) on the device."""
        return images.to(self.device)

    def back(self, columns: Mapping[str, Tensor]) -> Arriving:
        """Bring columns (B, ...) back from the device."""
        here = {name: column.cpu() for name, column in columns.items()}
        return Arriving(sum(column.nbytes for column in here.values()), lambda: here)


class OverlappedTransfer(Transfer):
    """To and from a CUDA device on streams beside the one that computes; the host waits for none.

    Images have to lie in pinned memory for that. One chunk is computed while the one before it is
    written to the store.
    """

    ahead = 1

    def __init__(self, device: torch.device) -> None:
        super().__init__(device)
        self._going = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._coming = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]

    def there(self, images: Tensor) -> Tensor:
        """Return images (B, ...) on the device, there as soon as what is computed now needs it."""
        computing = torch.cuda.current_stream(self.device)
        with torch.cuda.stream(self._going):
            moved = images.to(self.device, non_blocking=True)
        computing.wait_stream(self._going)
        moved.record_stream(computing)
        return moved

    def back(self, columns: Mapping[str, Tensor]) -> Arriving:
        """Begin to bring float32 columns (B, ...) back, all in one copy."""
        flat = torch.cat([column.flatten() for column in columns.values()])
        here = torch.empty(flat.shape, dtype=flat.dtype, pin_memory=True)
        self._coming.wait_stream(torch.cuda.current_stream(self.device))
        with torch.cuda.stream(self._coming):
            here.copy_(flat, non_blocking=True)
        flat.record_stream(self._coming)
        copied = self._coming.record_event()
        shapes = {name: column.shape for name, column in columns.items()}

        def arrived() -> dict[str, Tensor]:
            copied.synchronize()
            parts = torch.split(here, [prod(shape) for shape in shapes.values()])
            return {
                name: part.view(shape)
                for (name, shape), part in zip(shapes.items(), parts, strict=True)
            }

        return Arriving(here.nbytes, arrived)


def transfer_for(device: torch.device) -> Transfer:
    """Return what fits a device."""
    return (OverlappedTransfer if device.type == "cuda" else Transfer)(device)
