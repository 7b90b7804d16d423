"""Images of before: what is known of them is kept, their pixels are not."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mlff_cli.errors import UserError
from mlff_cli.tasks.experience import SPLITS, Experience
from mlff_cli.tasks.record import ImageSource


@dataclass(frozen=True, slots=True)
class AbsentImage:
    """An image that a run has seen and that is not where it was.

    Attributes:
        name: What the run called it.
        content: The hash of what it held, or the beginning of one.
    """

    name: str
    content: str

    def identity(self) -> str:
        """Return the hash: features that are stored under it can still be read."""
        return self.content

    def load(self) -> NDArray[np.uint8]:
        """Refuse.

        Raises:
            UserError: Always.
        """
        raise UserError(f"{self.name}: this image of an earlier run is not at hand any more")


def is_absent(image: ImageSource) -> bool:
    """Return whether the pixels of an image are not at hand."""
    return isinstance(image, AbsentImage)


def at_hand(experience: Experience) -> Experience:
    """Return an experience without the records whose images are absent."""
    train, validation, test = (
        [record for record in experience.split(split) if not is_absent(record.image)]
        for split in SPLITS
    )
    return replace(experience, train=train, validation=validation, test=test)
