"""What a metric is: the one object that tables, plots and comparisons ask."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mlff_cli.metrics.intervals import NONE, Interval, Weights, clopper_pearson, percentiles

Array = NDArray[Any]


@dataclass(frozen=True)
class Metric:
    """A function of predictions, and all that is said and shown of what it returns.

    Attributes:
        name: In matrix.csv and wherever it is shown.
        function: Takes scores (N, O) and the head's targets, (N,) or (N, T), all rows at once;
            nan where nothing can be computed. Raises ValueError for arrays that do not fit.
        definition: In words.
        unit: "share" is a part of 1 and shown in percent; "target" is the targets' own unit.
        better: "up" where more is better; "down" makes it an error.
        columns: Title of each column of a table -> the figure that stands in it.
        each: Takes the same and returns one value for each output (O,), named after the metric
            and the output ("mae dx"); None where there is no such thing.
        always: Whether the columns stand in every table, blank without scores.
        hits: Where the value is a share of the rows: which of them count (N,).
        resampled: Takes bootstrap weights (B, N) as well and returns the value of each sample.
    """

    name: str
    function: Callable[[Array, Array], float]
    definition: str
    unit: Literal["share", "target"]
    better: Literal["up", "down"]
    columns: Mapping[str, str]
    each: Callable[[Array, Array], NDArray[np.float64]] | None = None
    always: bool = False
    hits: Callable[[Array, Array], NDArray[np.bool_]] | None = None
    resampled: Callable[[Array, Array, Weights], NDArray[np.float64]] | None = None

    @property
    def in_percent(self) -> bool:
        """Whether values are shown times 100."""
        return self.unit == "share"

    @property
    def sign(self) -> int:
        """What turns values such that more is better: 1, or -1 for an error."""
        return 1 if self.better == "up" else -1

    def interval(self, scores: Array, targets: Array, weights: Weights) -> Interval:
        """Return the 95 % interval of the value: exact for shares, else by bootstrap.

        Args:
            scores: (N, O).
            targets: (N,) or (N, T).
            weights: (B, N), as from `intervals.resampled`.
        """
        if self.hits is not None:
            hits = self.hits(scores, targets)
            return clopper_pearson(int(hits.sum()), len(hits))
        if self.resampled is None:
            return NONE
        return percentiles(self.resampled(scores, targets, weights))

    def belongs(self, name: str) -> bool:
        """Return whether a name of matrix.csv is this metric's, or that of one of its outputs."""
        return name == self.name or (self.each is not None and name.startswith(f"{self.name} "))
