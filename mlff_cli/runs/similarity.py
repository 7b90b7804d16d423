"""How far the experiences of a run lie from each other."""

from mlff_cli.heads.similarity import distances
from mlff_cli.results.similarity import Similarity
from mlff_cli.runs.calibration import Calibration


def similarity_of(calibration: Calibration) -> Similarity | None:
    """Return the distances of all experiences whose images are known; None of fewer than two."""
    known = calibration.experiences
    if len(known) < 2:
        return None
    rows = distances(list(known.values())).tolist()
    return Similarity(tuple(known), tuple(map(tuple, rows)))
