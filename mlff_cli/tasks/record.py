"""What is known of an image before anything is computed from it."""

import unicodedata
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


def one_form(name: str) -> str:
    """Return a name in the form in which names are compared: Unicode's NFC.

    macOS hands an `ö` in a file's name over in two characters, a keyboard in one.
    """
    return unicodedata.normalize("NFC", name)


class ImageSource(Protocol):
    """Where the pixels of one image come from; small, hashable and picklable."""

    def identity(self) -> str:
        """Return a hash (64 hex digits) of the content: file bytes or generator parameters."""
        ...

    def load(self) -> NDArray[np.uint8]:
        """Return the pixels, RGB, uint8 (H, W, 3), upright, at the image's own size."""
        ...


@dataclass(frozen=True, slots=True)
class Record:
    """One image, its labels and where it belongs; no pixels.

    Labels, product, batch and group are kept in `one_form`; the name stays as it was given.

    Attributes:
        name: Unique in the dataset; how `splits.csv` and messages call the image.
        image: Where the pixels come from.
        labels: One class name, or any number of them for multi-label tasks.
        targets: Numbers for regression, in the order of `Dataset.target_names`.
        product: Product type, "" when the dataset knows none.
        batch: Production batch, "" when the dataset knows none.
        group: What must not straddle train and test; "" means the image stands for itself.
        split: "train", "validation" or "test" where the user fixed it, else "".
    """

    name: str
    image: ImageSource
    labels: tuple[str, ...] = ()
    targets: tuple[float, ...] = ()
    product: str = ""
    batch: str = ""
    group: str = ""
    split: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "labels", tuple(map(one_form, self.labels)))
        for field in ("product", "batch", "group"):
            object.__setattr__(self, field, one_form(getattr(self, field)))

    @property
    def unit(self) -> tuple[str, str]:
        """What is drawn to a split as a whole: the group, or the image that stands for itself."""
        return ("group", self.group) if self.group else ("image", self.name)
