"""What a new product's fusion layer starts from: that of the product that is most like it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from mlff_cli.heads.novelty import Novelty
from mlff_cli.heads.similarity import distances

NEAREST = "nearest"


@dataclass
class Products:
    """What is known of the products learned so far, by the name of their heads."""

    kept: dict[str, Novelty] = field(default_factory=dict)

    def nearest(self, product: Novelty) -> tuple[str, float] | None:
        """Return the product that lies nearest, and its distance; None where there is none yet."""
        if not self.kept:
            return None
        names = list(self.kept)
        own = distances([*self.kept.values(), product])[-1, :-1].tolist()
        distance, place = min(zip(own, range(len(own)), strict=True))
        return names[place], distance

    def tensors(self) -> dict[str, Tensor]:
        """Return all tensors; their names tell whose they are."""
        return {
            json.dumps([name, None, part]): tensor
            for name, product in self.kept.items()
            for part, tensor in product.parts().items()
        }

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take what `tensors` returned.

        Raises:
            RuntimeError: Something is missing.
        """
        parts: dict[str, dict[str, Tensor]] = {}
        for key, tensor in tensors.items():
            name, _, part = json.loads(key)
            parts.setdefault(name, {})[part] = tensor
        try:
            self.kept = {name: Novelty.of_parts(own) for name, own in parts.items()}
        except KeyError as error:
            raise RuntimeError(f"what is known of a product lacks {error}") from error


def are_of_products(key: str) -> bool:
    """Return whether a tensor of that name is one of `Products`, and not of the exemplars."""
    return json.loads(key)[1] is None
