"""What is known of an image before anything is computed from it."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


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

    @property
    def unit(self) -> tuple[str, str]:
        """What is drawn to a split as a whole: the group, or the image that stands for itself."""
        return ("group", self.group) if self.group else ("image", self.name)
