"""What a model reaches that has seen no image: scores mean little without it."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def majority(trained: Sequence[tuple[str, ...]], scored: Sequence[tuple[str, ...]]) -> float:
    """Return the share of scored images whose labels are the most frequent ones in training.

    That is accuracy, or exact match where an image has several labels; nan without images.
    """
    if not trained or not scored:
        return float("nan")
    answer = most_frequent(trained)
    return sum(labels == answer for labels in scored) / len(scored)


def most_frequent(trained: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """Return the most frequent labels of at least one image, of equal ones those seen first."""
    return Counter(trained).most_common(1)[0][0]


def constant_map(scored: Sequence[tuple[str, ...]]) -> float:
    """Return the mAP of one and the same score for every image: the mean share of the classes."""
    return _mean([count / len(scored) for count in _rankable(scored)])


def random_map(scored: Sequence[tuple[str, ...]]) -> float:
    """Return the expected mAP of random scores.

    With R of n images of a class, the expected average precision of a random order is
    (H + (R - 1)(n - H) / (n - 1)) / n, H the sum of 1/k for k up to n (Bestgen 2015).
    """
    n = len(scored)
    harmonic = float(np.sum(1 / np.arange(1, n + 1)))
    return _mean(
        [(harmonic + (count - 1) * (n - harmonic) / (n - 1)) / n for count in _rankable(scored)]
    )


def constant_errors(
    trained: NDArray[np.float64], scored: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the mean absolute error (T,) of the training median; of targets (N, T), N from 1."""
    errors: NDArray[np.float64] = np.abs(scored - np.median(trained, axis=0)).mean(axis=0)
    return errors


def _rankable(scored: Sequence[tuple[str, ...]]) -> list[int]:
    """Return the number of images of each class that some have and some have not."""
    counts = Counter(label for labels in scored for label in labels)
    return [count for count in counts.values() if count < len(scored)]


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else float("nan")
