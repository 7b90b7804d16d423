"""The share of wrong answers: what a further metric takes, whole."""

from mlff_cli.metrics.accuracy import accuracy
from mlff_cli.metrics.metric import Array, Metric


def error_rate(scores: Array, targets: Array) -> float:
    """Return the share of rows (N, C) whose highest score is not at their target (N,)."""
    return 1 - accuracy(scores, targets)


METRIC = Metric(
    name="error rate",
    function=error_rate,
    definition="share of the test images whose highest output is a wrong class",
    unit="share",
    better="down",
    columns={
        "learning error rate": "learning",
        "final error rate": "final average",
        "forgetting (error rate)": "forgetting",
        "forward transfer (error rate)": "forward transfer",
    },
)
