"""Weight files of torchvision's models: from its download cache, else from the network."""

from pathlib import Path
from urllib.error import URLError

from mlff_cli.backbones.fetching import may_fetch
from mlff_cli.errors import UserError


def fetched(url: str, *, elsewhere: str = "") -> Path:
    """Return the local copy of a weight file, downloaded with its hash checked if not there yet.

    Args:
        url: Where torchvision publishes it.
        elsewhere: What else brings it here, for the message.

    Raises:
        UserError: It is neither in the cache nor reachable.
    """
    import torch

    name = url.rpartition("/")[2]
    path = Path(torch.hub.get_dir()) / "checkpoints" / name
    if not path.is_file():
        if not may_fetch():
            raise UserError(f"backbone: the weights {name} are not here")
        path.parent.mkdir(parents=True, exist_ok=True)
        digits = name.removesuffix(".pth").rpartition("-")[2]
        try:
            torch.hub.download_url_to_file(url, str(path), hash_prefix=digits)
        except (URLError, OSError, RuntimeError) as error:
            other = f"{elsewhere}, or " if elsewhere else ""
            raise UserError(
                f"backbone: the weights {name} are not here and cannot be downloaded ({error}); "
                f"{other}fetch {url} elsewhere and give backbone.weights=<file>, or choose "
                "backbone=efficientnet_lite0, whose weights come with the installation"
            ) from error
    return path
