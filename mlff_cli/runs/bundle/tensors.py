"""The tensors of a bundle: how precisely they are kept; read with suspicion."""

import hashlib
from collections.abc import Mapping

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from mlff_cli.errors import UserError
from mlff_cli.heads.novelty import Novelty
from mlff_cli.runs.bundle.archive import Archive
from mlff_cli.runs.bundle.description import Member, Precision
from mlff_cli.runs.calibration import TRUTHS, HeadCalibration

NOVELTY = "novelty."
FUSION, HEAD = "fusion.", "head."
"""What the names of a head's tensors begin with, by what they belong to."""

LOSS = 2**-10
"""Share of a constant that half precision may take from it; else it is kept whole."""

KINDS = (torch.float16, torch.float32, torch.float64, torch.int64, torch.bool)


def module_tensors(prefix: str, module: nn.Module, precision: Precision) -> dict[str, Tensor]:
    """Return all tensors of a module, weights in the precision that is asked for."""
    weights = {name for name, _ in module.named_parameters()}
    return {
        prefix + name: kept(tensor.detach().cpu(), precision, weight=name in weights)
        for name, tensor in module.state_dict().items()
    }


def calibration_tensors(known: HeadCalibration, precision: Precision) -> dict[str, Tensor]:
    """Return the tensors of what is known of a head's images."""
    parts = {NOVELTY + name: part for name, part in known.novelty.parts().items()}
    return constants(parts | {TRUTHS: known.truths}, precision)


def constants(parts: Mapping[str, Tensor], precision: Precision) -> dict[str, Tensor]:
    """Return constants as a bundle keeps them."""
    return {name: kept(part, precision, weight=False) for name, part in parts.items()}


def kept(tensor: Tensor, precision: Precision, *, weight: bool) -> Tensor:
    """Return a tensor as a bundle keeps it.

    What half precision holds to the bit is kept so in any case. With fp16 weights are rounded, and
    constants where each of them keeps three digits: a variance of 1e-9 would become nothing.
    """
    if tensor.dtype != torch.float32:
        return tensor
    half = tensor.half()
    error = (half.float() - tensor).abs()
    allowed = 0.0 if precision == "fp32" else LOSS
    rounds = precision == "fp16" and weight and bool(torch.isfinite(half).all())
    return half if rounds or bool((error <= allowed * tensor.abs()).all()) else tensor


def encoded_tensors(name: str, tensors: Mapping[str, Tensor]) -> tuple[Member, bytes]:
    """Return a member of that name that holds tensors, and its content."""
    content = save({key: tensor.contiguous() for key, tensor in tensors.items()})
    return Member(name, hashlib.sha256(content).hexdigest()), content


def checked(archive: Archive, member: Member) -> bytes:
    """Return the content of a member.

    Raises:
        UserError: It is not what the description of the bundle says.
    """
    content = archive.read(member.name)
    if hashlib.sha256(content).hexdigest() != member.sha256:
        raise UserError(f"{archive.path}: {member.name}: is damaged: its hash does not fit")
    return content


def read_tensors(archive: Archive, member: Member) -> dict[str, Tensor]:
    """Return the tensors of a member.

    Raises:
        UserError: It is damaged, or holds anything but finite numbers.
    """
    place = f"{archive.path}: {member.name}"
    try:
        tensors = load(checked(archive, member))
    except SafetensorError as error:
        raise UserError(f"{place}: holds no safetensors ({error})") from error
    for name, tensor in tensors.items():
        if tensor.dtype not in KINDS:
            raise UserError(f"{place}: tensor {name!r} has a type that mlff pack never writes")
    # All of a kind at once: one by one takes longer than reading them.
    for kind in filter(lambda kind: kind.is_floating_point, KINDS):
        own = [tensor.flatten() for tensor in tensors.values() if tensor.dtype == kind]
        if own and not bool(torch.isfinite(torch.cat(own)).all()):
            raise UserError(f"{place}: holds NaN or Inf")
    return tensors


def fill(module: nn.Module, tensors: Mapping[str, Tensor], prefix: str, place: str) -> None:
    """Give a module its tensors: those whose names begin with `prefix`.

    Raises:
        UserError: They do not fit.
    """
    own = {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}
    try:
        module.load_state_dict(own)
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{place}: does not fit the config of the bundle ({reason})") from error


def novelty_of(parts: Mapping[str, Tensor], width: int, place: str) -> Novelty:
    """Return what tells how unlike a descriptor of that width is.

    Raises:
        UserError: Something is missing, or does not fit the rest.
    """
    try:
        found = Novelty.of_parts(dict(parts))
        count, wide = found.means.shape
        shapes = {
            "axes": (width, *found.variances.shape[:1]),
            "variances": found.variances.shape[:1],
            "rest": (),
            "distances": found.distances.shape[:1],
        }
    except (KeyError, ValueError) as error:
        raise UserError(f"{place}: is damaged ({error} is missing or wrong)") from error
    fits = all(getattr(found, name).shape == shape for name, shape in shapes.items())
    if not fits or wide != width or not count:
        raise UserError(f"{place}: is damaged: what tells the unknown does not fit the descriptor")
    return found
