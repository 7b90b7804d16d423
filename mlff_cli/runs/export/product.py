"""A product of a run, with what a file of it is made of and held against."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from mlff_cli import __version__
from mlff_cli.backbones.levels import sides
from mlff_cli.errors import UserError
from mlff_cli.heads.decision import DECISIONS, Decision
from mlff_cli.heads.novelty import Novelty
from mlff_cli.runs.deciding import DecisionSettings, decision_of
from mlff_cli.runs.deployed import Deployed, Product, of_run
from mlff_cli.runs.export.card import Card
from mlff_cli.runs.export.gate import Answer, Comparison, compared, judged_by_file, judged_by_run
from mlff_cli.runs.export.network import Inspection
from mlff_cli.runs.export.session import NEVER, NOVELTY, THRESHOLD
from mlff_cli.runs.modalities import refuse_several
from mlff_cli.runs.predicting import AUTO
from mlff_cli.runs.reopen import OpenRun, reopen
from mlff_cli.runs.scoring import is_readable
from mlff_cli.tasks.absent import is_absent
from mlff_cli.tasks.experience import SplitName
from mlff_cli.tasks.record import Record

HERE = {"device": "cpu", "workers": 0}
"""Where a run answers beside its file: on the processor, at full precision."""


@dataclass(frozen=True)
class ExportedProduct:
    """What answers for a product.

    Attributes:
        opened: The run.
        deployed: What it predicts with.
        product: Whose head answers.
        settings: How is decided.
    """

    opened: OpenRun
    deployed: Deployed
    product: Product
    settings: DecisionSettings

    @cached_property
    def decision(self) -> Decision:
        """What decides."""
        return decision_of(self.deployed, self.product, self.settings)

    @property
    def novelty(self) -> Novelty | None:
        """How unlike the training images an image is; None where nothing is known of these."""
        known = self.deployed.calibration.heads.get(self.product.head)
        return known.novelty if known else None

    @property
    def limits(self) -> dict[str, float | None]:
        """The numbers that decide, by the names of inputs; None where nothing asks for one."""
        chosen = self.decision
        return {
            THRESHOLD: chosen.threshold if chosen.has_good else None,
            NOVELTY: None if self.novelty is None else chosen.novelty or NEVER,
        }

    def network(self, *, half: bool = False) -> Inspection:
        """Return all that answers as one module; `half` the precision of the backbone."""
        return Inspection(
            self.opened.method, self.product.head, self.novelty, self.decision, half=half
        )

    def card(self, precision: str) -> Card:
        """Return what a file says of itself."""
        preprocessing = self.opened.method.context.recipe.preprocessing
        return Card(
            product=self.product.name,
            kind=self.deployed.kind,
            classes=self.product.outputs,
            good=self.product.good,
            decisions=DECISIONS,
            threshold=self.limits[THRESHOLD],
            novelty=self.decision.novelty,
            review=self.settings.review,
            size=sides(preprocessing.size),
            bits=self.deployed.bits,
            precision=precision,
            provenance=dict(self.deployed.provenance),
            version=__version__,
        )

    def records(self, split: SplitName) -> list[Record]:
        """Return the images of a split that the head has learned to read."""
        return [
            record
            for experience in self.opened.task.experiences
            if experience.head == self.product.head
            and experience.learned
            and is_readable(self.opened.method, experience, split)
            for record in experience.split(split)
            if not is_absent(record.image)
        ]

    @cached_property
    def validation(self) -> list[Record]:
        """The images that a file is held against.

        Raises:
            UserError: There are none.
        """
        found = self.records("validation")
        if not found:
            raise UserError(
                f"{self.opened.folder.path}: '{self.product.name}' has no validation images, on "
                "which the file has to answer as the run does; train with splits.validation=0.15, "
                "or more where there are few images"
            )
        return found

    def compared(self, answer: Answer) -> Comparison:
        """Return how a file answers on the validation images beside the run."""
        images = [record.image for record in self.validation]
        method, head = self.opened.method, self.product.head
        by_run = judged_by_run(method, head, self.novelty, self.decision, images)
        by_file = judged_by_file(answer, images)
        return compared(self.validation, method, head, self.deployed.kind, (by_run, by_file))


def exported_product(config: Mapping[str, Any]) -> ExportedProduct:
    """Open a run for `mlff export`.

    Raises:
        UserError: There is no such run or product, or its images are others.
    """
    path = Path(config["run"]).expanduser()
    opened = reopen(
        path, trainer=HERE, paths=config["paths"], data=config["data"], keep_features=False
    )
    opened.config["trainer"]["precision"] = "fp32"
    refuse_several(opened.config, "mlff export")
    if config["product"] == AUTO:
        raise UserError("product=auto: a file answers for one product; name it")
    deployed = of_run(opened)
    product = deployed.product(config["product"])
    exported = ExportedProduct(opened, deployed, product, DecisionSettings.of_config(config))
    opened.refuse_other_images()
    return exported
