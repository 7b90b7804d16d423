"""Linear probe: the deepest level of the frozen backbone, one linear head per experience."""

from mlff_cli.methods.on_features import TrainedOnFeatures


class LinearProbe(TrainedOnFeatures):
    """Only the head trains; with `fusion=deepest` nothing else could.

    One fusion layer serves all heads: it stays as it was made.
    """

    fusion_learns = False
