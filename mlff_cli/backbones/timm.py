"""Any timm model by name, convolutional or transformer."""

from collections.abc import Sequence
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Any

from mlff_cli.backbones.engines import PLAIN
from mlff_cli.backbones.recipe import BackboneRecipe
from mlff_cli.backbones.torchvision_remedy import import_torchvision
from mlff_cli.errors import UserError, nearest


class Timm(BackboneRecipe):
    """A model of timm's list, with its own mean, standard deviation and weights."""

    def __init__(
        self,
        *,
        image_size: int | Sequence[int],
        model: str,
        weights: str | None,
        levels: list[str],
        engine: str = PLAIN,
    ) -> None:
        super().__init__(image_size=image_size, weights=weights, levels=levels, engine=engine)
        self.model = model
        self.mean = tuple(self._published.mean)
        self.std = tuple(self._published.std)

    @cached_property
    def _published(self) -> Any:
        import_torchvision()
        import timm

        name, _, tag = self.model.partition(".")
        if not timm.is_model(name):
            near = get_close_matches(name, timm.list_models(), n=3)
            raise UserError(
                f"backbone.model: timm has no '{name}'; "
                + (f"near: {', '.join(near)}" if near else "timm.list_models() lists them")
            )
        try:
            return timm.get_pretrained_cfg(self.model)
        except RuntimeError as error:
            tags = [known.partition(".")[2] for known in timm.list_pretrained(name)]
            raise UserError(
                f"backbone.model: timm's {name} has no weights '{tag}'; {nearest(tag, tags)}"
            ) from error

    def pretrained_file(self) -> Path:
        """Return the hub's weight file, from its cache or fetched."""
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

        repository = self._published.hf_hub_id
        offline = UserError(
            f"backbone: the weights of {self.model} are not here and the hub cannot be reached; "
            "fetch them elsewhere and give backbone.weights=<file>"
        )
        if not repository:
            raise offline
        try:
            return Path(hf_hub_download(repository, "model.safetensors", local_files_only=True))
        except LocalEntryNotFoundError:
            if not _reachable():
                raise offline from None
        try:
            return Path(hf_hub_download(repository, "model.safetensors"))
        except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
            raise offline from error


def _reachable() -> bool:
    """Ask once, briefly: the hub's own client retries for most of a minute."""
    import socket

    try:
        with socket.create_connection(("huggingface.co", 443), timeout=3):
            return True
    except OSError:
        return False
