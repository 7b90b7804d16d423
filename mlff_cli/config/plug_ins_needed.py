"""Which plug-ins a config needs, in which version: its key `plug_ins`, there where it needs any."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from mlff_cli.config.plug_ins import ENTRY_POINTS, METRIC, PlugIn, plug_in
from mlff_cli.config.shipped import SECTIONS, is_shipped, yaml_problem
from mlff_cli.errors import UserError

PLUG_INS = "plug_ins"


class PlugInMissingError(UserError):
    """A plug-in that a config needs is not here, or not as it was."""


def with_plug_ins(config: Mapping[str, Any], made: Mapping[str, str | None]) -> dict[str, Any]:
    """Return a config that was composed, with the plug-ins that it needs.

    Args:
        config: Not checked yet.
        made: The choice in each group.

    Raises:
        UserError: The YAML of a plug-in that was chosen is wrong.
    """
    if problem := problem_of(made):
        raise UserError(problem)
    needed = {_key(own): own.needs for own in _of(_named(config))}
    others = {key: value for key, value in config.items() if key != PLUG_INS}
    return {**others, PLUG_INS: needed} if needed else others


def problem_of(made: Mapping[str, str | None]) -> str:
    """Return what is wrong with the YAML of a plug-in that was chosen; "": nothing."""
    problems = ((own, yaml_problem(own)) for own in _of(made.items()))
    said = (
        f"{own.kind}={own.name} is of {own.origin}: {problem}"
        for own, problem in problems
        if problem
    )
    return next(said, "")


def refuse_other_plug_ins(
    config: Mapping[str, Any], kinds: Collection[str] = tuple(ENTRY_POINTS)
) -> None:
    """Refuse a config whose plug-ins, of some kinds or of all, are not here as they were.

    Raises:
        PlugInMissingError: It says what is needed.
        UserError: What the config says of its plug-ins is wrong.
    """
    needed = config.get(PLUG_INS, {})
    if not isinstance(needed, Mapping):
        raise UserError(f"{PLUG_INS}: expected keys and values, found {needed!r}")
    here = {_key(own): own.needs for own in _of(_named(config))}
    for key, needs in needed.items():
        kind = str(key).partition("/")[0]
        if (kind in kinds or kind not in ENTRY_POINTS) and here.get(key) != needs:
            raise PlugInMissingError(_remedy(str(key), str(needs)))
    if added := next((key for key in here if key not in needed), None):
        raise UserError(
            f"{PLUG_INS}: '{added}' is missing there, and {here[added]} has one of that name: "
            "whether this config was made with it is not known"
        )


def _of(named: Iterable[tuple[str, str | None]]) -> Iterator[PlugIn]:
    """Yield the plug-ins among parts by kind and name."""
    for kind, name in named:
        if name and not is_shipped(kind, name) and (own := plug_in(kind, name)):
            yield own


def _named(config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield kind and name of all parts that a config, not checked yet, names."""
    for section, group in SECTIONS.items():
        tree = config.get(section)
        if isinstance(tree, Mapping):
            yield group, str(tree.get("name"))
            metrics = tree.get("metrics", []) if section == "head" else []
            yield from ((METRIC, str(name)) for name in metrics if isinstance(metrics, list))


def _key(own: PlugIn) -> str:
    return f"{own.kind}/{own.name}"


def _remedy(key: str, needs: str) -> str:
    """Return what to say of a plug-in that is not here as it was."""
    kind, _, name = key.partition("/")
    now = plug_in(kind, name)
    if "sha256:" not in needs:
        state = f"{now.needs} is installed" if now else "it is not installed"
        return f"{kind}={name} needs {needs}, and {state}: pip install {needs}"
    remedy = "it is not at hand: give its folder with --config-dir"
    if now:
        remedy = f"{now.origin} is not that file any more: put it back as it was, or train anew"
    return f"{kind}={name} needs the file {needs}, and {remedy}"
