"""``mlff verify``: the audit of a finished run, from its files, its images and its backbone."""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mlff_cli.errors import UserError
from mlff_cli.runs.final_scores import final_scores
from mlff_cli.runs.folder import PREDICTIONS, RunFolder
from mlff_cli.runs.record import RECORD
from mlff_cli.runs.reopen import OpenRun, reopen
from mlff_cli.runs.report import FIGURES, figures_text
from mlff_cli.system.logs import logging_to


def run(config: Mapping[str, Any]) -> int:
    """Say "verified" and return 0, or say what differs and return 1."""
    path = Path(config["run"]).expanduser()
    # Nothing that was computed before takes part: images are hashed and seen anew.
    with logging_to(None), TemporaryDirectory(prefix="mlff-verify-") as fresh:
        paths = {**config["paths"], "features": fresh}
        opened = reopen(path, trainer=config["trainer"], paths=paths, data=config["data"])
        differences = list(_differences(opened, config["tolerance"]))
    for difference in differences:
        print(f"differs: {difference}")
    print(f"{path}: {'not verified' if differences else 'verified'}")
    return int(bool(differences))


def _differences(opened: OpenRun, tolerance: float) -> Iterator[str]:
    try:
        yield from _changed_files(opened.folder)
        yield from opened.changed_images()
        yield from _other_scores(opened, tolerance)
    except UserError as error:
        yield str(error)


def _changed_files(folder: RunFolder) -> Iterator[str]:
    """Yield what no longer has the hash, or the figures, that it had when the run finished."""
    if not folder.record_is_whole():
        yield f"{folder.path / RECORD}: is not what the run wrote (DONE holds another hash)"
    for name in folder.changed_files():
        yield f"{folder.path / name}: is not what the run wrote (its hash is another)"
    final = final_scores(folder, folder.config(), folder.record(), folder.matrix())
    if folder.read_text(FIGURES) != figures_text(folder.matrix(), final):
        yield f"{folder.path / FIGURES}: its figures are not those of matrix.csv and {PREDICTIONS}"


def _other_scores(opened: OpenRun, tolerance: float) -> Iterator[str]:
    """Yield the scores of the final model that are not those in matrix.csv."""
    saved = opened.saved_scores()
    for experience, values in opened.scores_now().items():
        for metric, now in values.items():
            before = saved.get(experience, {}).get(metric, math.nan)
            same = math.isclose(now, before, rel_tol=0, abs_tol=tolerance)
            if not same and not (math.isnan(now) and math.isnan(before)):
                yield (
                    f"matrix.csv: {metric} of '{experience}' is {before:.9g} there and "
                    f"{now:.9g} now (made on {opened.record.device}, scored again on "
                    f"{opened.method.context.device})"
                )
