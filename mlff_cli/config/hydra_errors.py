"""Hydra's errors as messages that name the nearest right names."""

import re

from mlff_cli.config.schema import flatten, suggest_key
from mlff_cli.config.shipped import choices, configs_folder, default_choices
from mlff_cli.errors import UserError, nearest


def translated(error: Exception, words: list[str], command: str) -> UserError:
    """Return the message for what Hydra raised on the overrides `words` of a config."""
    return UserError(_message(error, words, command))


def _message(error: Exception, words: list[str], command: str) -> str:
    from hydra.errors import OverrideParseException
    from yaml import MarkedYAMLError

    text = str(error).strip() or repr(error)
    first = text.splitlines()[0]
    if missing := re.search(r"Could not find '([\w@]+)/([^']+)'", text):
        group, choice = missing.groups()
        options = getattr(error, "options", None) or list(choices(group))
        several = " (several at once are for mlff sweep)" if "," in choice else ""
        first = f"{group}: there is no '{choice}'{several}; {nearest(choice, options)}"
    elif override := re.search(r"Could not (?:override|delete)[^']* '([^']+)'", text):
        key = override[1].partition("=")[0]
        if key.startswith("hydra"):
            return f"Hydra has no key '{key}'; --cfg hydra shows those that it has"
        first = f"there is no key or group '{key}'; {_suggested(key, words, command)}"
    elif isinstance(error, OverrideParseException):
        first = (
            f"cannot read '{error.override}' ({first}); an override is key=value, a list "
            "key=[a,b], and a value with special characters stands in quotes: 'key=\"a,b\"'"
        )
    elif isinstance(error, MarkedYAMLError) and error.problem_mark:
        mark = error.problem_mark
        first = f"{mark.name}, line {mark.line + 1}: is no YAML ({error.problem})"
    elif "Ambiguous value" in first:
        first = (
            f"{re.sub('.*argument ', '', first)}: several values at once are for mlff sweep, a "
            "list stands in brackets: key=[a,b]"
        )
    return first


def _suggested(wrong: str, words: list[str], command: str) -> str:
    """Suggest among the groups and all keys of the config that the right words give."""
    from hydra import compose, initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra
    from omegaconf import OmegaConf

    offered = default_choices(command)
    if "." not in wrong and nearest(wrong, offered).startswith("did you mean"):
        return nearest(wrong, offered)
    selecting = [
        word for word in words
        if (parts := word.partition("="))[0] in offered and parts[2] in choices(parts[0])
    ]  # fmt: skip
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(configs_folder()), version_base="1.3"):
        config = OmegaConf.to_container(compose(command, overrides=selecting), resolve=False)
    assert isinstance(config, dict)
    tree = {str(key): value for key, value in config.items()}
    return suggest_key(wrong, {**dict(flatten(tree)), **dict.fromkeys(offered)})
