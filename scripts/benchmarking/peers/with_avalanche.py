"""The same through avalanche-lib: frozen backbone, a head for each product, Naive or replay.

usage: with_avalanche.py <naive|replay> <list> <size> <epochs> <batch> <rate> <decay> <answers>
"""

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# What mlff sets for itself, so that all run under the same conditions.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")

import torch
from given import FEATURES, Answers, FrozenBackbone, Product, Recipe, products_of
from torch import Tensor
from torch.utils.data import TensorDataset

from mlff_cli.backbones.torchvision_remedy import import_torchvision

import_torchvision()  # avalanche needs it, and it may not fit this torch

from avalanche.benchmarks import (  # noqa: E402
    benchmark_from_datasets,
    task_incremental_benchmark,
    with_classes_timeline,
)
from avalanche.benchmarks.utils import as_classification_dataset  # noqa: E402
from avalanche.evaluation.metrics import accuracy_metrics  # noqa: E402
from avalanche.logging import InteractiveLogger  # noqa: E402
from avalanche.models import MultiHeadClassifier, MultiTaskModule  # noqa: E402
from avalanche.training import Naive  # noqa: E402
from avalanche.training.plugins import EvaluationPlugin, ReplayPlugin, SupervisedPlugin  # noqa: E402

KEPT = 10
"""Images of each class that replay keeps of all products, as many as mlff's exemplars."""


class Labelled(TensorDataset):
    """Images and classes in memory; avalanche looks for the classes in `targets`."""

    def __init__(self, images: Tensor, targets: Tensor) -> None:
        super().__init__(images, targets)
        self.targets = targets.tolist()


class Model(MultiTaskModule):  # type: ignore[misc] # avalanche has no types
    """The frozen backbone and a linear head for each product."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.backbone = FrozenBackbone()
        # Without a mask: classes of a product that replay brings back are not new ones.
        self.heads = MultiHeadClassifier(FEATURES, initial_out_features=outputs, masking=False)

    def forward(self, images: Tensor, task_labels: Tensor) -> Tensor:
        """Return logits (B, outputs) of images (B, 3, size, size) in uint8."""
        logits: Tensor = self.heads(self.backbone(images), task_labels)
        return logits


class OneCycle(SupervisedPlugin):  # type: ignore[misc]
    """The learning rate of each experience: up in a tenth of its steps, then down to nothing."""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        self.recipe = recipe

    def before_training_exp(self, strategy: Any, **_: Any) -> None:
        """Begin a new cycle, as long as the experience."""
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            strategy.optimizer,
            self.recipe.learning_rate,
            self.recipe.epochs * len(strategy.dataloader),
            pct_start=0.1,
        )

    def after_training_iteration(self, strategy: Any, **_: Any) -> None:
        """Go on by a step."""
        self.schedule.step()


class Collected(SupervisedPlugin):  # type: ignore[misc]
    """Probabilities of the test images, product after product."""

    def before_eval(self, strategy: Any, **_: Any) -> None:
        """Forget those of the evaluation before."""
        self.products: list[list[Tensor]] = []

    def before_eval_exp(self, strategy: Any, **_: Any) -> None:
        """Begin the next product."""
        self.products.append([])

    def after_eval_forward(self, strategy: Any, **_: Any) -> None:
        """Take the outputs of a batch."""
        self.products[-1].append(strategy.mb_output)


def learn(products: Sequence[Product], recipe: Recipe, replay: bool) -> Answers:
    """Learn product after product; after each, evaluate all so far."""
    torch.manual_seed(0)
    benchmark = with_classes_timeline(
        task_incremental_benchmark(
            benchmark_from_datasets(
                train=[as_classification_dataset(Labelled(*p.train)) for p in products],
                test=[as_classification_dataset(Labelled(*p.test)) for p in products],
            )
        )
    )
    model = Model(max(len(product.classes) for product in products))
    collected, plugins = Collected(), [OneCycle(recipe)]
    if replay:
        kept = KEPT * sum(len(product.classes) for product in products)
        plugins.insert(0, ReplayPlugin(kept))  # first: it makes the batches that are counted
    strategy = Naive(
        model=model,
        optimizer=torch.optim.AdamW(
            [parameter for parameter in model.parameters() if parameter.requires_grad],
            lr=recipe.learning_rate,
            weight_decay=recipe.weight_decay,
        ),
        train_mb_size=recipe.batch_size,
        train_epochs=recipe.epochs,
        eval_mb_size=recipe.batch_size,
        plugins=[*plugins, collected],
        evaluator=EvaluationPlugin(
            accuracy_metrics(epoch=True, experience=True), loggers=[InteractiveLogger()]
        ),
    )
    answers = Answers()
    for trained, experience in enumerate(benchmark.train_stream, 1):
        started = time.perf_counter()
        strategy.train(experience)
        learned = time.perf_counter()
        strategy.eval(benchmark.test_stream[:trained])
        for scored, batches in enumerate(collected.products, 1):
            logits = torch.cat(batches)[:, : len(products[scored - 1].classes)]
            answers.scores[trained, scored] = logits.softmax(1).numpy()
        answers.learning_seconds.append(learned - started)
        answers.scoring_seconds.append(time.perf_counter() - learned)
    return answers


def main(words: list[str]) -> None:
    """Read the images, learn, keep the answers."""
    how, listed, size, epochs, batch_size, rate, decay, output = words
    products = products_of(Path(listed), int(size))
    recipe = Recipe(int(epochs), int(batch_size), float(rate), float(decay))
    learn(products, recipe, replay=how == "replay").write(Path(output), products)


if __name__ == "__main__":
    main(sys.argv[1:])
