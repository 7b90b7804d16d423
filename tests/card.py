"""Tensors on a card that is not there: they compute on the processor, and mix with nothing.

What they answer is right, so that whole methods can learn on them. They say that they lie on
torch's `meta` device, the only one beside the processor whose gradients torch follows anywhere.
"""

import contextlib
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only

from mlff_cli.system.device import Device

CARD = torch.device("meta")

MIXED = {"copy_", "index", "index_put_", "index_put", "_index_put_impl_"}
"""What a GPU takes from both sides: copies, and places that lie on the processor."""


class WrongDeviceError(RuntimeError):
    """Tensors of two devices met."""


class OnCard(Tensor):
    """A tensor that says it lies on the card."""

    inner: Tensor  # type: ignore[assignment]  # torch's own `inner` is the dot product

    @staticmethod
    def __new__(cls, inner: Tensor) -> "OnCard":
        return Tensor._make_wrapper_subclass(
            cls, inner.shape, strides=inner.stride(), dtype=inner.dtype, device=CARD
        )

    def __init__(self, inner: Tensor) -> None:
        self.inner = inner

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        return _computed(func, args, kwargs or {})

    def __getitem__(self, places: Any) -> Tensor:
        several = places if isinstance(places, tuple) else (places,)
        # Of a list torch makes a tensor on the device without asking the mode.
        return super().__getitem__(
            tuple(_TENSOR(own) if isinstance(own, list) else own for own in several)
        )

    @property
    def data(self) -> Tensor:
        return self.detach()

    @data.setter  # type: ignore[override]
    def data(self, value: "OnCard") -> None:
        Tensor.data.__set__(self, value)  # type: ignore[attr-defined]
        self.inner = value.inner

    def tolist(self) -> Any:
        return self.inner.tolist()

    def numpy(self) -> Any:  # type: ignore[override]
        raise WrongDeviceError("numpy() of a tensor on a device: .cpu() is missing")


class _Card(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Makes tensors on the card where they are made there."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _computed(func, args, kwargs or {})


def _computed(func: Any, args: Any, kwargs: Any) -> Any:
    name = func.overloadpacket.__name__
    tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
    there = any(isinstance(tensor, OnCard) for tensor in tensors)
    # A number on the processor goes everywhere.
    here = [tensor for tensor in tensors if not isinstance(tensor, OnCard) and tensor.ndim]
    if name == "_has_compatible_shallow_copy_type":
        return not (there and here)
    if any(tensor.device == CARD for tensor in here):
        raise WrongDeviceError(f"{name}: a tensor that was made on the card behind the back of it")
    if there and here and name not in MIXED:
        raise WrongDeviceError(f"{name}: tensors on the device and on the processor")
    if kwargs.get("device") is not None:
        there = torch.device(kwargs["device"]) == CARD
        kwargs = {**kwargs, "device": torch.device("cpu")}
    inner_args, inner_kwargs = tree_map_only(OnCard, lambda own: own.inner, (args, kwargs))
    result = func(*inner_args, **inner_kwargs)
    if func._schema.is_mutable and isinstance(result, Tensor):
        return args[0] if func._schema.name.rpartition("::")[2].endswith("_") else kwargs["out"]
    return tree_map_only(Tensor, OnCard, result) if there else result


class CardDevice(Device):
    """A device whose tensors lie on the card; full precision."""

    @property
    def accelerated(self) -> bool:
        return False  # its random numbers are the processor's

    @contextlib.contextmanager
    def autocast(self) -> Iterator[None]:
        yield


def _tensor(*given: Any, device: Any = None, **keys: Any) -> Tensor:
    """Return what `torch.tensor` does, which makes one on the device without asking the mode."""
    made: Tensor = _TENSOR(*given, **keys)
    return made if device is None else made.to(device)


_TENSOR = torch.tensor


@contextlib.contextmanager
def card(batch_size: int = 4) -> Iterator[Device]:
    """Lend a card to whatever asks for a device."""
    lent = CardDevice(CARD, None, batch_size, 0)
    with (
        patch.object(Device, "choose", lambda **_: lent),
        patch.object(torch, "tensor", _tensor),
        # In inference mode torch hands on whole layers, with weights that it forgets to be told of.
        patch.object(torch, "inference_mode", torch.no_grad),
        _Card(),  # type: ignore[no-untyped-call]
    ):
        yield lent
