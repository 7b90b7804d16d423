"""The metrics there are: each the object METRIC of a file in this folder, or of a plug-in.

A metric has two names. A head's YAML names its file (`metrics: [mean_average_precision]`);
matrix.csv, tables and plots name what it measures ("mAP", "mae dx").
"""

from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from mlff_cli import metrics as package
from mlff_cli.config.plug_in_code import object_in
from mlff_cli.config.plug_ins import METRIC, PlugIn, found, plug_in
from mlff_cli.config.shipped import is_shipped
from mlff_cli.errors import UserError, nearest
from mlff_cli.metrics.metric import Array, Metric

_used: dict[str, Metric] = {}
"""Metrics of plug-ins that were asked for, by their files: tables have columns of these alone."""


def by_file(name: str) -> Metric:
    """Return the metric of ``mlff_cli/metrics/<name>.py``, or of a plug-in of that name.

    Raises:
        UserError: There is none.
    """
    known = _by_file()
    if name in known:
        return known[name]
    if not is_shipped(METRIC, name) and (own := plug_in(METRIC, name)):
        return _added(own)
    names = [*known, *(own.name for own in found(METRIC))]
    raise UserError(f"head.metrics: there is no metric '{name}'; {nearest(name, names)}")


def by_name(name: str) -> Metric:
    """Return the metric that a name of matrix.csv belongs to; "mae dx" belongs to "mae".

    Raises:
        UserError: It belongs to none, or to several plug-ins.
    """
    for metric in all_metrics():
        if metric.belongs(name):
            return metric
    # Of an earlier run: a table names what a plug-in measures, and not the plug-in.
    named = [own for own in found(METRIC) if _measures(own, name)]
    if len(named) == 1:
        return by_file(named[0].name)
    if named:
        raise UserError(f"metric '{name}' is in {' and in '.join(own.origin for own in named)}")
    names = [metric.name for metric in all_metrics()]
    raise UserError(
        f"metric '{name}' is unknown; {nearest(name, names)} (of a plug-in: config.yaml of the run "
        "says which under plug_ins)"
    )


def all_metrics() -> list[Metric]:
    """Return every shipped metric, by the names of their files, then plug-ins that are in use."""
    return [*_by_file().values(), *_used.values()]


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


def _added(own: PlugIn) -> Metric:
    """Return the metric of a plug-in, which is in use from here on.

    Raises:
        UserError: It cannot be imported, or another metric has its name.
    """
    metric = object_in(own, "METRIC", Metric)
    others = [*_by_file().values(), *(used for key, used in _used.items() if key != own.name)]
    if other := next((o for o in others if o.belongs(metric.name)), None):
        raise UserError(
            f"metric={own.name} is of {own.origin}: its values are called '{metric.name}', and "
            f"there is '{other.name}' already; rename it"
        )
    _used[own.name] = metric
    return metric


def _measures(own: PlugIn, name: str) -> bool:
    """Return whether a name of matrix.csv belongs to a plug-in; a broken one measures nothing."""
    try:
        return not is_shipped(METRIC, own.name) and object_in(own, "METRIC", Metric).belongs(name)
    except UserError:
        return False


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
