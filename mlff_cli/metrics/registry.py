"""The metrics there are: each the object METRIC of a file in this folder.

A metric has two names. A head's YAML names its file (`metrics: [mean_average_precision]`);
matrix.csv, tables and plots name what it measures ("mAP", "mae dx").
"""

from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from mlff_cli import metrics as package
from mlff_cli.errors import UserError, nearest
from mlff_cli.metrics.metric import Array, Metric


def by_file(name: str) -> Metric:
    """Return the metric of ``mlff_cli/metrics/<name>.py``.

    Raises:
        UserError: There is none.
    """
    known = _by_file()
    if name not in known:
        raise UserError(f"head.metrics: there is no metric '{name}'; {nearest(name, known)}")
    return known[name]


def by_name(name: str) -> Metric:
    """Return the metric that a name of matrix.csv belongs to; "mae dx" belongs to "mae".

    Raises:
        UserError: It belongs to none.
    """
    for metric in all_metrics():
        if metric.belongs(name):
            return metric
    names = [metric.name for metric in all_metrics()]
    raise UserError(f"metric '{name}' is unknown; {nearest(name, names)}")


def all_metrics() -> list[Metric]:
    """Return every metric, by the names of their files."""
    return list(_by_file().values())


def check(files: Sequence[str]) -> None:
    """Refuse metrics that cannot be computed, before anything is trained.

    Raises:
        UserError: One is unknown, or there is none.
    """
    if not files:
        raise UserError("head.metrics: is empty; without a metric a run has no result")
    for file in files:
        by_file(file)


def computed(
    files: Sequence[str], scores: Array, targets: Array, outputs: Sequence[str]
) -> dict[str, float]:
    """Return the values of metrics by their names in matrix.csv; nan where there is none.

    Args:
        files: The metrics, as a head's YAML names them.
        scores: (N, O), of all rows at once.
        targets: As the head's `targets` gives them, (N,) or (N, T).
        outputs: Names of the O outputs.

    Raises:
        UserError: A metric is unknown, or is none of such outputs.
    """
    values: dict[str, float] = {}
    for file in files:
        try:
            values |= _values(by_file(file), scores, targets, outputs)
        except ValueError as error:
            raise UserError(
                f"head.metrics: '{file}' cannot be computed of what this head gives ({error})"
            ) from error
    return values


def _values(
    metric: Metric, scores: Array, targets: Array, outputs: Sequence[str]
) -> dict[str, float]:
    values = {metric.name: metric.function(scores, targets)}
    if metric.each is not None:
        parts = metric.each(scores, targets)
        names = (f"{metric.name} {output}" for output in outputs)
        values |= {name: float(part) for name, part in zip(names, parts, strict=True)}
    return values


def _by_file() -> Mapping[str, Metric]:
    return _found_in(tuple(package.__path__))


@cache
def _found_in(folders: tuple[str, ...]) -> Mapping[str, Metric]:
    found = {}
    for module in sorted(iter_modules(folders), key=lambda module: module.name):
        content = vars(import_module(f"{package.__name__}.{module.name}"))
        if isinstance(metric := content.get("METRIC"), Metric):
            found[module.name] = metric
    return found
