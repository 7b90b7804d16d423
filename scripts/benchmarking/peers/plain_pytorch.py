"""A frozen backbone and a linear head for each product in plain PyTorch, as a user writes it.

usage: plain_pytorch.py <every epoch|once> <list> <size> <epochs> <batch> <rate> <decay> <answers>

"every epoch" runs the backbone on every batch, as training loops do; "once" keeps its features.
"""

import os
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

# What mlff sets for itself, so that all run under the same conditions.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")

import torch
from given import FEATURES, Answers, FrozenBackbone, Product, Recipe, products_of
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset


def train(
    head: nn.Module, describe: Callable[[Tensor], Tensor], rows: TensorDataset, recipe: Recipe
) -> None:
    """Train a head on what is said of each batch."""
    loader = DataLoader(rows, batch_size=recipe.batch_size, shuffle=True)
    optimiser = torch.optim.AdamW(
        head.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, recipe.learning_rate, recipe.epochs * len(loader), pct_start=0.1
    )
    head.train()
    for _ in range(recipe.epochs):
        for given, targets in loader:
            loss = nn.functional.cross_entropy(head(describe(given)), targets)
            optimiser.zero_grad()
            torch.autograd.backward(loss)
            optimiser.step()
            schedule.step()
    head.eval()


@torch.inference_mode()
def joined(function: Callable[[Tensor], Tensor], rows: Tensor, size: int) -> Tensor:
    """Apply a function to rows in batches of a size."""
    return torch.cat([function(part) for part in torch.split(rows, size)])


@torch.inference_mode()
def scores(
    head: nn.Module, describe: Callable[[Tensor], Tensor], given: Tensor, size: int
) -> Tensor:
    """Return the probability of each class (N, C)."""
    return joined(lambda part: head(describe(part)).softmax(1), given, size)


def learn(products: Iterable[Product], recipe: Recipe, once: bool) -> Answers:
    """Learn product after product; after each, score all so far."""
    torch.manual_seed(0)
    backbone = FrozenBackbone()
    describe: Callable[[Tensor], Tensor] = nn.Identity() if once else backbone
    heads: list[nn.Module] = []
    tested: list[Tensor] = []
    answers = Answers()
    for product in products:
        started = time.perf_counter()
        given, test = product.train[0], product.test[0]
        if once:
            # Cloned: training cannot use what inference mode has made.
            given, test = (
                joined(backbone, images, recipe.batch_size).clone() for images in (given, test)
            )
        tested.append(test)
        heads.append(nn.Linear(FEATURES, len(product.classes)))
        train(heads[-1], describe, TensorDataset(given, product.train[1]), recipe)
        learned = time.perf_counter()
        for number, (head, images) in enumerate(zip(heads, tested, strict=True), 1):
            found = scores(head, describe, images, recipe.batch_size)
            answers.scores[len(heads), number] = found.numpy()
        answers.learning_seconds.append(learned - started)
        answers.scoring_seconds.append(time.perf_counter() - learned)
    return answers


def main(words: list[str]) -> None:
    """Read the images, learn, keep the answers."""
    how, listed, size, epochs, batch_size, rate, decay, output = words
    products = products_of(Path(listed), int(size))
    recipe = Recipe(int(epochs), int(batch_size), float(rate), float(decay))
    learn(products, recipe, once=how == "once").write(Path(output), products)


if __name__ == "__main__":
    main(sys.argv[1:])
