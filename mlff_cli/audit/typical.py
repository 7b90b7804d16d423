"""Which images to label next: typical ones, outlying ones, and those that a model doubts."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MOST_CLUSTERS, SMALLEST = 500, 5
"""Clusters at most; smaller ones are taken last: they hold what is like nothing else."""

NEIGHBOURS = 20
"""How many of its cluster tell how typical an image is."""


@dataclass(frozen=True)
class Pick:
    """An image to be labelled: its position, and why."""

    position: int
    reason: str


def typical(rows: NDArray[np.float32], budget: int, *, labelled: Sequence[int] = ()) -> list[Pick]:
    """Return what to label first: TypiClust, Hacohen, Dekel and Weinshall 2022 (arXiv 2202.02794).

    As many clusters as there are to be labels; of each, the largest with fewest labels first, the
    image whose neighbours in it are nearest.

    Args:
        rows: Descriptors (N, D) of all images, labelled ones among them.
        budget: Images wanted; so many must be without a label.
        labelled: Positions of those that have a label.
    """
    count = min(len(labelled) + budget, MOST_CLUSTERS, len(rows))
    cluster_of = _clusters(rows, count)
    density = _densities(rows, cluster_of)
    sizes = np.bincount(cluster_of, minlength=count)
    taken = np.bincount(cluster_of[list(labelled)], minlength=count)
    free = np.ones(len(rows), bool)
    free[list(labelled)] = False
    picks = []
    for _ in range(budget):
        there = np.unique(cluster_of[free])
        chosen = min(there, key=lambda c: (sizes[c] < SMALLEST, taken[c], -sizes[c], c))
        own = np.flatnonzero(free & (cluster_of == chosen))
        position = int(own[density[own].argmax()])
        picks.append(Pick(position, f"typical of {sizes[chosen]} images that are alike"))
        free[position] = False
        taken[chosen] += 1
    return picks


def typical_and_outlying(
    rows: NDArray[np.float32], budget: int, *, labelled: Sequence[int] = ()
) -> list[Pick]:
    """Return half of them by `typical`, the rest by `outlying`: classes first, then defects."""
    first = typical(rows, (budget + 1) // 2, labelled=labelled)
    chosen = [*labelled, *(pick.position for pick in first)]
    return [*first, *outlying(rows, budget - len(first), chosen=chosen)]


def outlying(rows: NDArray[np.float32], budget: int, *, chosen: Sequence[int]) -> list[Pick]:
    """Return one after another what is farthest from everything chosen so far.

    Greedy k-centre of Sener and Savarese 2018 (arXiv 1708.00489). A rare defect is such an image.

    Args:
        rows: Descriptors (N, D) of all images.
        budget: Images wanted; so many must not be chosen.
        chosen: Positions of those that are, at least one.
    """
    from scipy.spatial.distance import cdist

    exact = rows.astype(np.float64)
    picks: list[Pick] = []
    distance = cdist(exact, exact[list(chosen)]).min(axis=1)
    distance[list(chosen)] = -1  # below that of a copy: none is taken twice
    for _ in range(budget):
        position = int(distance.argmax())
        picks.append(Pick(position, "unlike all that is chosen"))
        distance = np.minimum(distance, np.linalg.norm(exact - exact[position], axis=1))
        distance[position] = -1
    return picks


def doubtful(scores: NDArray[np.float32], budget: int) -> list[Pick]:
    """Return the images whose two highest scores (N, O) are nearest to each other."""
    first, second = np.sort(scores, axis=1)[:, :-3:-1].T
    order = np.argsort(first - second, kind="stable")[:budget]
    return [Pick(int(place), f"margin {first[place] - second[place]:.3f}") for place in order]


def _clusters(rows: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    """Return the cluster (N,) of each row by k-means; the same each time."""
    from scipy.cluster.vq import kmeans2

    with warnings.catch_warnings(), np.errstate(invalid="ignore"):  # of images all the same
        warnings.simplefilter("ignore", UserWarning)  # that a cluster is empty
        _, found = kmeans2(rows.astype(np.float64), count, iter=30, minit="++", seed=0)
    return np.asarray(found, np.int64)


def _densities(rows: NDArray[np.float32], cluster_of: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return how near (N,) the nearest neighbours of each row in its cluster are."""
    from scipy.spatial.distance import cdist

    found = np.zeros(len(rows))
    for cluster in np.unique(cluster_of):
        own = np.flatnonzero(cluster_of == cluster)
        nearest = np.sort(cdist(rows[own], rows[own]), axis=1)[:, 1 : NEIGHBOURS + 1]
        if nearest.shape[1]:
            found[own] = 1 / (nearest.mean(axis=1) + 1e-12)
    return found
