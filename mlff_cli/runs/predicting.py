"""What is said of images that nobody has labelled."""

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mlff_cli.data.asked import Asked, file_of
from mlff_cli.errors import UserError
from mlff_cli.heads.decision import DECISIONS, UNKNOWN, Decision
from mlff_cli.heads.nearest import Nearest
from mlff_cli.heads.novelty import Novelty
from mlff_cli.results.predictions import predicted
from mlff_cli.runs.answer import Answer, content_of, problem_of, source_of
from mlff_cli.runs.calibration import level_descriptors, novelty_descriptors
from mlff_cli.runs.deciding import DecisionSettings, decision_of, why_none_is_unknown
from mlff_cli.runs.deployed import Deployed, Product
from mlff_cli.tasks.modalities import is_whole, missing_of
from mlff_cli.tasks.record import ImageSource

AT_ONCE = 512
"""Images whose features are in memory together."""

AUTO = "auto"
"""As a product: the one whose training images are nearest."""


@dataclass(frozen=True)
class Predictor:
    """Answers for the images of one product, or of whichever each is of.

    Attributes:
        deployed: What answers.
        asked: Name of a product; None: the only one; "auto": found out image by image.
        settings: How is decided.
        look: Whether to say where the network looked.
    """

    deployed: Deployed
    asked: str | None = None
    settings: DecisionSettings = field(default_factory=DecisionSettings)
    look: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be answered before the first image.

        Raises:
            UserError: There is no such product, or nothing is known that tells products apart; or
                the fusion layer keeps nothing of places; or a threshold has nothing to divide.
        """
        _ = self._decisions  # made here and not with the first answer: it refuses as well
        first = self.deployed.method_of(self.products[0].head)
        if self.look and not first.has_places:
            raise UserError(
                "overlays: the fusion layer of this run keeps nothing of places, so that where it "
                "looked is not known (that of method=mlff fusion=local is)"
            )

    @cached_property
    def products(self) -> list[Product]:
        """Those that it may answer for."""
        if self.asked != AUTO:
            return [self.deployed.product(self.asked)]
        known = [name for name in self.deployed.experiences if name in self._sketches]
        if len(known) < len(self.deployed.experiences):
            raise UserError(
                "product=auto: nothing is kept of this run's images that tells products apart "
                "(it needs validation images, and a method on a frozen backbone); name the "
                "product"
            )
        return [self.deployed.product(name) for name in known]

    @property
    def product_names(self) -> list[str]:
        """Of those that it may answer for."""
        return [product.name for product in self.products]

    @property
    def remark(self) -> str:
        """What decisions cannot be, though it is asked for; "" where there is nothing to say."""
        return why_none_is_unknown(self.deployed, self.products, self.settings)

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names that heads answer with."""
        return tuple(dict.fromkeys(name for p in self.products for name in p.outputs))

    @property
    def scores_are_shares(self) -> bool:
        """Whether scores lie between 0 and 1; else they are numbers in their own units."""
        return self.deployed.kind != "numbers"

    @property
    def provenance(self) -> Mapping[str, str]:
        """Where the answers come from, column by column of a file of answers."""
        return self.deployed.provenance

    @property
    def modalities(self) -> tuple[str, ...]:
        """The images of each part, where it reads several."""
        return self.deployed.modalities

    def answers(self, images: Sequence[Asked]) -> Iterator[Answer]:
        """Yield what is said of each image, in their order; features are not kept."""
        for start in range(0, len(images), AT_ONCE):
            yield from self._batch(images[start : start + AT_ONCE])

    def _batch(self, asked: Sequence[Asked]) -> list[Answer]:
        """Answer for some images; one that cannot be read is found by halves."""
        try:
            return self._answered(asked)
        except UserError as error:
            if len(asked) == 1:
                self._forget({self.products[0].head})
                path = file_of(asked[0])
                return [Answer(str(path), problem=problem_of(error, path))]
            half = len(asked) // 2
            return [*self._batch(asked[:half]), *self._batch(asked[half:])]

    def _answered(self, asked: Sequence[Asked]) -> list[Answer]:
        started = time.perf_counter()
        images = [source_of(one, self.deployed.bits) for one in asked]
        contents = [content_of(image) for image in images]
        found: dict[int, Answer] = {}
        heads = {self.products[0].head}
        for product, places, sure, strange in self._by_product(images):
            heads.add(product.head)
            own = self._of_product(product, [images[place] for place in places])
            for place, answer, certain, unlike in zip(places, own, sure, strange, strict=True):
                decision = DECISIONS[UNKNOWN] if unlike else answer.decision
                found[place] = replace(answer, product_sure=certain, decision=decision)
        self._forget(heads)
        milliseconds = 1000 * (time.perf_counter() - started) / len(asked)
        return [
            replace(
                found[place],
                path=str(file_of(one)),
                missing=missing_of(image, self.modalities),
                content=content,
                milliseconds=milliseconds,
            )
            for place, (one, image, content) in enumerate(zip(asked, images, contents, strict=True))
        ]

    def _forget(self, heads: Collection[str]) -> None:
        """Keep nothing of the images that some heads have seen."""
        for head in heads:
            self.deployed.method_of(head).context.features.forget()

    def _by_product(
        self, images: Sequence[ImageSource]
    ) -> Iterator[tuple[Product, list[int], Sequence[float | None], Sequence[bool]]]:
        """Yield each product, the places of its images, how sure it is, and which are unlike it."""
        if self.asked != AUTO:
            count = len(images)
            yield self.products[0], list(range(count)), [None] * count, [False] * count
            return
        rows = level_descriptors(self.deployed.method_of(self.products[0].head), images)
        sketches = [self._sketches[product.name] for product in self.products]
        distances = self._nearest(rows)  # (N, P)
        nearest = distances.argmin(dim=1)
        for number, (product, sketch) in enumerate(zip(self.products, sketches, strict=True)):
            places = torch.nonzero(nearest == number).flatten()
            if len(places):
                sure = _sureness(distances[places], number)
                unlike = self._unlike(sketch(rows[places])[:, 0])
                whole = self._whole([images[place] for place in places.tolist()])
                yield (
                    product,
                    places.tolist(),
                    sure,
                    [a and b for a, b in zip(unlike, whole, strict=True)],
                )

    def _of_product(self, product: Product, images: Sequence[ImageSource]) -> list[Answer]:
        """Answer for images of a product; what is known of each image alone is added later."""
        method, decision = self.deployed.method_of(product.head), self._decisions[product.name]
        scores, descriptors = method.answers(product.head, images)
        given = torch.from_numpy(scores)
        novelties, p_values = self._novelties(product, images, descriptors)
        codes = self._codes(decision, given, p_values, self._whole(images))
        defects: list[float | None] = [None] * len(images)
        if decision.has_good:
            defects = list(decision.defect_scores(given).tolist())
        labels = predicted(self.deployed.kind, product.outputs, scores)
        where = self._where(product, images, scores)
        return [
            Answer(
                "",
                product=product.name,
                label=";".join(label),
                scores=dict(zip(product.outputs, map(float, row), strict=True)),
                defect_score=defect,
                threshold=decision.threshold,
                novelty=novelty,
                decision=DECISIONS[code],
                where=places,
            )
            for label, row, defect, novelty, code, places in zip(
                labels,
                scores.astype(str).tolist(),
                defects,
                novelties,
                codes,
                where,
                strict=True,
            )
        ]

    def _novelties(
        self, product: Product, images: Sequence[ImageSource], descriptors: Tensor
    ) -> tuple[Sequence[float | None], Tensor | None]:
        """Return the novelty of each image, and its p-value (N, C) for each class."""
        known = self.deployed.calibration.heads.get(product.head)
        if known is None:
            return [None] * len(descriptors), None
        method = self.deployed.method_of(product.head)
        p_values = known.novelty(novelty_descriptors(method, images, descriptors))
        novelties = (1 - p_values.amax(dim=1)).tolist()
        pairs = zip(novelties, self._whole(images), strict=True)
        return [novelty if whole else None for novelty, whole in pairs], p_values

    def _whole(self, images: Sequence[ImageSource]) -> list[bool]:
        """Return of which images no modality is missing: of others nothing tells how unlike."""
        return [is_whole(image, self.modalities) for image in images]

    def _codes(
        self, decision: Decision, scores: Tensor, p_values: Tensor | None, whole: Sequence[bool]
    ) -> list[int]:
        """Return the codes of decisions: by scores alone where a modality is missing."""
        pairs = zip(
            decision(scores, p_values).tolist(), decision(scores, None).tolist(), whole, strict=True
        )
        return [code if all_there else by_scores for code, by_scores, all_there in pairs]

    def _where(
        self, product: Product, images: Sequence[ImageSource], scores: NDArray[np.float32]
    ) -> Sequence[NDArray[np.float32] | None]:
        """Return what speaks for the highest score of each image."""
        if not self.look:
            return [None] * len(images)
        method = self.deployed.method_of(product.head)
        return list(method.where(product.head, images, scores.argmax(axis=1).tolist()))

    @cached_property
    def _decisions(self) -> dict[str, Decision]:
        return {p.name: decision_of(self.deployed, p, self.settings) for p in self.products}

    @cached_property
    def _nearest(self) -> Nearest:
        return Nearest.of([self._sketches[product.name] for product in self.products])

    @property
    def _sketches(self) -> Mapping[str, Novelty]:
        return self.deployed.calibration.experiences

    def _unlike(self, p_values: Tensor) -> list[bool]:
        """Return where p-values (N,) are at or below the limit, in the precision of both."""
        limit = self.settings.novelty
        return [False] * len(p_values) if limit is None else (p_values <= limit).tolist()


def _sureness(distances: Tensor, chosen: int) -> list[float | None]:
    """Return how sure the choice of a column of distances (N, P) is; None with a single one."""
    if distances.shape[1] == 1:
        return [None] * len(distances)
    others = distances.clone()
    others[:, chosen] = torch.inf
    return list((1 - distances[:, chosen] / others.amin(dim=1)).tolist())
