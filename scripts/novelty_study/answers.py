"""What runs that never saw a kind of defect say of all images, that kind among them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mlff_cli.config.composition import compose_config
from mlff_cli.methods.base import Journal, Method
from mlff_cli.results.predictions import good_class
from mlff_cli.runs.building import build_method, build_task
from mlff_cli.runs.calibration import level_descriptors
from mlff_cli.runs.final_scores import good_names
from mlff_cli.runs.listing import listing_of
from mlff_cli.tasks.experience import SPLITS, Experience, Step
from mlff_cli.tasks.record import Record

SEEDS = (0, 1, 2)

GOOD, DEFECTIVE = 800, 80
"""Drawn images of the good class of a product, and of each of its defect classes."""

DATA = {
    "drawn surfaces": f"task=surface_defect data.images_per_class={GOOD}",
    "magnetic tiles": "task=custom dataset=magnetic_tile data.root=data",
    "steel": "task=custom dataset=neu_cls data.root=data",
}
"""What is learned, by its name in the tables."""

LEFT_OUT = -1
"""As a class: the one that nothing was trained on."""


@dataclass(frozen=True)
class Images:
    """What is said of images.

    Attributes:
        classes: (N,), places among the outputs, or `LEFT_OUT`.
        scores: (N, O).
        descriptors: (N, D), what the head reads.
        levels: (N, U), the means of all levels.
    """

    classes: Tensor
    scores: Tensor
    descriptors: Tensor
    levels: Tensor

    def __getitem__(self, chosen: Tensor | slice) -> "Images":
        """Return those at places, or where a flag is set."""
        return Images(*(getattr(self, name)[chosen] for name in self.__annotations__))

    def __add__(self, other: "Images") -> "Images":
        """Return these and others."""
        pairs = ((getattr(self, name), getattr(other, name)) for name in self.__annotations__)
        return Images(*(torch.cat(pair) for pair in pairs))


@dataclass(frozen=True)
class Part:
    """A product that was learned without one of its classes of defects.

    Attributes:
        good: Place of the good class among the outputs; None where there is none.
        images: By split; the class left out is in all of them, though nothing was trained on it.
    """

    data: str
    seed: int
    product: str
    left_out: str
    good: int | None
    images: Mapping[str, Images]

    def known(self, split: str) -> Images:
        """Return the images of a split whose class was learned."""
        images = self.images[split]
        return images[images.classes.ne(LEFT_OUT)]


def parts(data: str) -> Iterator[Part]:
    """Yield each product without each of its defects; what was learned before is read."""
    for seed in SEEDS:
        config = compose_config("train", [*DATA[data].split(), f"seed={seed}"])
        experiences = build_task(config, listing_of(config)).experiences
        for number in range(max(len(_defects(config, e)) for e in experiences)):
            file = Path("answers", f"{data} {seed} {number}.pt")
            if not file.is_file():
                file.parent.mkdir(exist_ok=True)
                made = _learned(config, experiences, data, number)
                torch.save([asdict(part) for part in made], file)
            for kept in torch.load(file):
                images = {name: Images(**own) for name, own in kept.pop("images").items()}
                yield Part(**kept, images=images)


def _learned(
    config: Mapping[str, Any], experiences: Sequence[Experience], data: str, number: int
) -> list[Part]:
    """Learn all products in turn, each without its defect of a number."""
    method, made = build_method(config), []
    for experience in experiences:
        left_out = _defects(config, experience)[number]
        print("==", data, config["seed"], experience.name, "without", left_out, flush=True)
        train, validation, test = (_thinned(experience.split(split)) for split in SPLITS)
        known = replace(
            experience,
            outputs=tuple(name for name in experience.outputs if name != left_out),
            train=[record for record in train if left_out not in record.labels],
            validation=[record for record in validation if left_out not in record.labels],
            test=[record for record in test if left_out not in record.labels],
        )
        step = Step((known,))
        method.begin(step)
        method.learn(step, Journal())
        good = good_class(good_names(config["data"]), known.outputs, "class")
        place = None if good is None else known.outputs.index(good)
        images = {
            "train": _images(method, known, train),
            "validation": _images(method, known, validation),
            "test": _images(method, known, test),
        }
        made.append(Part(data, config["seed"], known.name, left_out, place, images))
    return made


def _images(method: Method, known: Experience, records: Sequence[Record]) -> Images:
    """Return what is said of images of an experience."""
    images = [record.image for record in records]
    places = {name: place for place, name in enumerate(known.outputs)}
    scores, descriptors = method.answers(known.head, images)
    classes = torch.tensor([places.get(record.labels[0], LEFT_OUT) for record in records])
    return Images(classes, torch.from_numpy(scores), descriptors, level_descriptors(method, images))


def _defects(config: Mapping[str, Any], experience: Experience) -> list[str]:
    """Return the classes of an experience that are not good, in order."""
    good = good_class(good_names(config["data"]), experience.outputs, "class")
    return [name for name in experience.outputs if name != good]


def _thinned(records: Sequence[Record]) -> list[Record]:
    """Return the records without the drawn defects beyond `DEFECTIVE`: most parts are good."""
    return [record for record in records if not _is_surplus(record)]


def _is_surplus(record: Record) -> bool:
    parameters = dict(getattr(record.image, "parameters", ()))
    return bool(parameters.get("label", "good") != "good" and parameters["index"] >= DEFECTIVE)
