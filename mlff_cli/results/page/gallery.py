"""The worst images, and where the network looked."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass

from mlff_cli.results.page.markup import text

WITHOUT = "This fusion layer keeps nothing of places: where the network looked is not known."


@dataclass(frozen=True)
class WorstImage:
    """An image among the worst ones.

    Attributes:
        thumbnail: JPEG.
        where: PNG of what the network looked at, to be laid over it; empty where it is not known.
        image: Its name.
        experience: Where it was scored.
        truth: What it is.
        prediction: What it was taken for.
        explained: The class that `where` speaks for.
    """

    thumbnail: bytes
    where: bytes
    image: str
    experience: str
    truth: str
    prediction: str
    explained: str


def gallery(images: Sequence[WorstImage]) -> str:
    """Return thumbnails of the worst images, with what the network looked at where it is known."""
    if not images:
        return ""
    figures = "".join(map(_figure, images))
    if not any(image.where for image in images):
        return f'<p class="quiet">{WITHOUT}</p><div class="gallery">{figures}</div>'
    return (
        '<div class="controls"><label><input type="checkbox" id="show-where" checked> where the '
        "network looked: what speaks for the class that the image was taken for</label></div>"
        f'<div class="gallery">{figures}</div>'
    )


def _figure(image: WorstImage) -> str:
    truth, prediction = (text(name or "no label") for name in (image.truth, image.prediction))
    glow = _picture(image.where, "png", "where", image.explained) if image.where else ""
    return (
        f'<figure><span class="image">{_picture(image.thumbnail, "jpeg", "thumbnail")}{glow}</span>'
        f"<figcaption>{text(image.experience)}: <b>{truth}</b> taken for <b>{prediction}</b><br>"
        f"{text(image.image)}</figcaption></figure>"
    )


def _picture(content: bytes, kind: str, role: str, title: str = "") -> str:
    data = f"data:image/{kind};base64,{b64encode(content).decode()}"
    return f'<img class="{role}" alt="" title="{text(title)}" src="{data}">'
