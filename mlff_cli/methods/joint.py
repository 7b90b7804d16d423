"""Joint training: every experience at once, on the frozen backbone; forgets nothing."""

from collections.abc import Sequence

from mlff_cli.methods.on_features import TrainedOnFeatures
from mlff_cli.tasks.experience import Experience, Step


class Joint(TrainedOnFeatures):
    """One fusion layer and all heads trained together: the upper bound of a sequence."""

    def steps(self, experiences: Sequence[Experience]) -> list[Step]:
        """Return one step of all experiences."""
        return [Step(tuple(experiences))]
