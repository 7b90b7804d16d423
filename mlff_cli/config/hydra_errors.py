"""Hydra's errors as messages that name the nearest right names."""

import re
from collections.abc import Sequence

from mlff_cli.config.keys import chosen, keys_of
from mlff_cli.config.plug_ins_needed import problem_of
from mlff_cli.config.schema import suggest_key
from mlff_cli.config.shipped import choices
from mlff_cli.errors import UserError, nearest


def translated(error: Exception, words: Sequence[str], command: str) -> Exception:
    """Return what Hydra raised on the overrides `words` as a `UserError`.

    What a user can fix by other means, and what is none of Hydra's, stays as it is.
    """
    from hydra.errors import HydraException

    # A choice that is missing is an OSError as well.
    if isinstance(error, UserError | OSError) and not isinstance(error, HydraException):
        return error
    # A plug-in's YAML that is wrong is told as what it is, whatever Hydra stumbled over.
    return UserError(problem_of(chosen(command, words)) or _message(error, words, command))


def _message(error: Exception, words: Sequence[str], command: str) -> str:
    from hydra.errors import OverrideParseException
    from yaml import MarkedYAMLError

    text = str(error).strip() or repr(error)
    first = text.splitlines()[0]
    if missing := re.search(r"Could not find '([\w@]+)/([^']+)'", text):
        return _missing_choice(missing[1], missing[2], getattr(error, "options", None))
    if override := re.search(r"Could not (?:override|delete)[^']* '([^']+)'", text):
        return _missing_key(override[1].partition("=")[0], words, command)
    if isinstance(error, OverrideParseException):
        return (
            f"cannot read '{error.override}' ({first}); an override is key=value, a list "
            "key=[a,b], and a value with special characters stands in quotes: 'key=\"a,b\"'"
        )
    if isinstance(error, MarkedYAMLError) and error.problem_mark:
        mark = error.problem_mark
        return f"{mark.name}, line {mark.line + 1}: is no YAML ({error.problem})"
    if "Ambiguous value" in first:
        return (
            f"{re.sub('.*argument ', '', first)}: several values at once are for mlff sweep, a "
            "list stands in brackets: key=[a,b]"
        )
    return first


def _missing_choice(group: str, choice: str, options: Sequence[str] | None) -> str:
    offered = [name for name in options or choices(group) if not name.startswith("_")]
    several = " (several at once are for mlff sweep)" if "," in choice else ""
    return f"{group}: there is no '{choice}'{several}; {nearest(choice, offered)}"


def _missing_key(key: str, words: Sequence[str], command: str) -> str:
    if key.startswith("hydra"):
        return f"Hydra has no key '{key}'; --cfg hydra shows those that it has"
    keys = keys_of(command, words)
    suggestion = nearest(key, [name for name in keys if "." not in name])
    if "." in key or not suggestion.startswith("did you mean"):
        suggestion = suggest_key(key, keys)
    return f"there is no key or group '{key}'; {suggestion}"
