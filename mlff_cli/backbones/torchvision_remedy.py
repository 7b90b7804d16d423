"""Lets torchvision be imported beside a torch that its compiled operators do not fit."""

from importlib import import_module
from importlib.util import find_spec

_KEPT_ALIVE: list[object] = []

_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)


def import_torchvision() -> None:
    """Import torchvision; define the schemas its import asks for where the operators are missing.

    The registry's wheel of torchvision is built against CUDA; beside a CPU-only torch its
    operators do not load and the import stops at `torchvision::nms`. Models and transforms need
    none of them.
    """
    from torch.library import Library

    if find_spec("torchvision") is None:
        raise ModuleNotFoundError("torchvision is not installed: pip install torchvision")
    try:
        import_module("torchvision")
    except RuntimeError as error:
        if "does not exist" not in str(error):
            raise
        library = Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
        for schema in _SCHEMAS:
            library.define(schema)  # type: ignore[no-untyped-call]
        _KEPT_ALIVE.append(library)
        import_module("torchvision")
