"""Hydra behind one door: composes a command's config, checks it, hands it to the command."""

import hashlib
import json
import os
import re
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from mlff_cli.command_help import ALIASES
from mlff_cli.config import (
    check,
    choices,
    configs_folder,
    flatten,
    groups,
    suggest_key,
)
from mlff_cli.errors import UserError, nearest


def run_command(command: str, words: list[str]) -> int:
    """Compose `command`'s config from Hydra's overrides, run it, return its exit code."""
    # Hydra prints its own error texts and leaves with 1 unless told to raise.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    import hydra
    from hydra.errors import HydraException
    from omegaconf import DictConfig
    from omegaconf.errors import OmegaConfBaseException

    name = ALIASES.get(command, command)
    if command == "sweep":
        os.environ["MLFF_SWEEP"] = sweep_name(words)
        words = ["--multirun", *words]
    register_resolvers()
    codes: list[int] = []
    errors: list[Exception] = []

    def task(config: DictConfig) -> None:
        # Errors are carried past Hydra, which would print lines of its own about them.
        try:
            plain = plain_config(config, name)
            module = import_module(f"mlff_cli.commands.{command}")
            codes.append(int(module.run(plain) or 0))
        except Exception as error:
            errors.append(error)

    sys.argv = [f"mlff {command}", *_quoted(words)]
    try:
        hydra.main(version_base="1.3", config_path=str(configs_folder()), config_name=name)(task)()
    except (HydraException, OmegaConfBaseException) as error:
        raise translated(error, words, name) from error
    if errors:
        raise errors[0]
    if command == "sweep" and "--cfg" not in words:
        codes.append(int(import_module("mlff_cli.commands.sweep").finish()))
    return max(codes, default=0)


def plain_config(config: Any, command: str) -> dict[str, Any]:
    """Return the composed config resolved and checked, as plain dictionaries and lists."""
    from omegaconf import OmegaConf

    missing = sorted(OmegaConf.missing_keys(config))
    if missing:
        raise UserError(f"'{missing[0]}' has no value; give it: {missing[0]}=...")
    plain = OmegaConf.to_container(config, resolve=True)
    assert isinstance(plain, dict)
    tree = {str(key): value for key, value in plain.items()}
    check(tree, command)
    return tree


def sweep_name(words: list[str]) -> str:
    """Return a folder name for the sweep that these overrides describe, in whatever order."""
    text = json.dumps(sorted(word for word in words if not word.startswith("-")))
    return "sweep-" + hashlib.sha256(text.encode()).hexdigest()[:8]


def register_resolvers() -> None:
    """Make the project's interpolations known to OmegaConf."""
    from omegaconf import OmegaConf

    OmegaConf.register_new_resolver("user_cache", _user_cache, replace=True)


def _user_cache() -> str:
    """Return the folder for what can be computed again, by the custom of the platform."""
    if "MLFF_CACHE" in os.environ:
        return os.environ["MLFF_CACHE"]
    if sys.platform == "darwin":
        return str(Path.home() / "Library" / "Caches" / "mlff")
    base = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA")
    return str((Path(base) if base else Path.home() / ".cache") / "mlff")


def _quoted(words: list[str]) -> list[str]:
    """Quote values that Hydra's grammar would refuse although a shell user sees nothing odd."""
    plain = re.compile(r"(?P<key>[+~\w./@]+)=(?P<value>[^'\"\[\]{},]*[ =()&;!%#][^'\"\[\]{},]*)")
    quoted = []
    for word in words:
        match = plain.fullmatch(word)
        function = match and re.fullmatch(r"\w+\(.*\)", match["value"])
        if match and not function and "${" not in word:
            value = match["value"].replace("\\", "\\\\").replace('"', '\\"')
            word = f'{match["key"]}="{value}"'  # noqa: PLW2901
        quoted.append(word)
    return quoted


def translated(error: Exception, words: list[str], command: str) -> UserError:
    """Return Hydra's error as a message that names the nearest right names."""
    from hydra.errors import OverrideParseException

    text = str(error)
    if missing := re.search(r"Could not find '([\w@]+)/([^']+)'", text):
        group, choice = missing.groups()
        return UserError(
            f"{group}: there is no '{choice}'; {nearest(choice, _choices(error, group))}"
        )
    if override := re.search(r"Could not override '([^']+)'", text):
        key = override[1]
        return UserError(f"there is no key or group '{key}'; {_suggest(key, words, command)}")
    first = text.strip().splitlines()[0]
    if isinstance(error, OverrideParseException):
        return UserError(
            f"cannot read '{error.override}' ({first}); an override is key=value, a list "
            "key=[a,b], and a value with special characters stands in quotes: 'key=\"a,b\"'"
        )
    if "Ambiguous value" in first:
        return UserError(f"{first}; several values at once are for mlff sweep")
    return UserError(first)


def _choices(error: Exception, group: str) -> list[str]:
    options = getattr(error, "options", None)
    return list(options) if options else list(choices(group))


def _suggest(wrong: str, words: list[str], command: str) -> str:
    """Suggest among the groups and all keys of the config that the right words give."""
    from hydra import compose, initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra
    from omegaconf import OmegaConf

    if "." not in wrong and nearest(wrong, groups()).startswith("did you mean"):
        return nearest(wrong, groups())
    selecting = [
        word for word in words
        if (parts := word.partition("="))[0] in groups() and parts[2] in choices(parts[0])
    ]  # fmt: skip
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(configs_folder()), version_base="1.3"):
        config = OmegaConf.to_container(compose(command, overrides=selecting), resolve=False)
    assert isinstance(config, dict)
    tree = {str(key): value for key, value in config.items()}
    return suggest_key(wrong, {**dict(flatten(tree)), **dict.fromkeys(groups())})
