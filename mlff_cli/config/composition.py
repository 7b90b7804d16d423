"""Hydra's compose API behind one door: from the words of a command line to a checked config."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mlff_cli.config.continuation import going_on
from mlff_cli.config.flags import Flags
from mlff_cli.config.for_methods import for_this_method
from mlff_cli.config.hydra_errors import translated
from mlff_cli.config.keys import chosen
from mlff_cli.config.overrides import readable, text_value
from mlff_cli.config.plug_ins import package_folders
from mlff_cli.config.plug_ins_needed import with_plug_ins
from mlff_cli.config.schema import check
from mlff_cli.config.shipped import configs_folder
from mlff_cli.errors import UserError


def compose_config(
    command: str, words: Sequence[str], folders: Sequence[Path] = ()
) -> dict[str, Any]:
    """Return a command's config: composed, resolved and checked, as plain dictionaries and lists.

    Args:
        command: Names the config: ``configs/<command>.yaml``.
        words: Overrides as a shell user writes them.
        folders: Of the user's own configs, absolute.

    Raises:
        UserError: A word, a key or a value is wrong.
    """
    overrides = readable(words, several=False)
    with Composer.opened(command, folders) as composer:
        return composer.checked(overrides)


def shown_config(command: str, overrides: Sequence[str], flags: Flags) -> str:
    """Return what ``--cfg`` prints: the config as it composes, unchecked, as YAML.

    Args:
        command: Names the config: ``configs/<command>.yaml``.
        overrides: In Hydra's grammar (see `readable`).
        flags: What is to be shown, and the user's own folders of configs.

    Raises:
        UserError: A word is wrong, or there is no such section.
    """
    from omegaconf import OmegaConf

    with Composer.opened(command, flags.folders) as composer:
        config = composer.composed(overrides, with_hydra=flags.show != "job")
    if flags.resolve:
        with _named_by_key():
            config = OmegaConf.create(OmegaConf.to_container(config, resolve=True))
    if flags.show == "hydra":
        # Only now: what is Hydra's own refers to the others.
        config = OmegaConf.masked_copy(config, "hydra")
    return _as_yaml(config, flags.package)


def _as_yaml(config: Any, package: str | None) -> str:
    """Return a config, or the section or key `package` of it, as text."""
    from omegaconf import Container, OmegaConf

    if package in (None, "_global_"):
        return OmegaConf.to_yaml(config)
    with _named_by_key():
        part = OmegaConf.select(config, package)
    if part is None:
        raise UserError(f"--package: there is no '{package}' in this config")
    heading = f"# @package {package}\n"
    return heading + OmegaConf.to_yaml(part) if isinstance(part, Container) else f"{part}\n"


class Composer:
    """Composes one command's config with changing overrides."""

    def __init__(self, command: str, folders: Sequence[Path]) -> None:
        self.command = command
        self._own = search_path(folders)

    @classmethod
    @contextmanager
    def opened(cls, command: str, folders: Sequence[Path] = ()) -> Iterator["Composer"]:
        """Set Hydra up for a while; what it held before is there again afterwards."""
        from hydra import initialize_config_dir

        register_resolvers()
        with _set_aside(), initialize_config_dir(str(configs_folder()), version_base="1.3"):
            yield cls(command, folders)

    def composed(self, words: Sequence[str], *, with_hydra: bool = False) -> Any:
        """Return what overrides in Hydra's grammar compose to, with Hydra's own keys or without.

        Raises:
            UserError: Hydra refuses a word.
        """
        from hydra import compose

        try:
            return compose(self.command, [*self._own, *words], return_hydra_config=with_hydra)
        except Exception as error:
            raise translated(error, words, self.command) from error

    def checked(self, words: Sequence[str]) -> dict[str, Any]:
        """Return the config that such overrides compose to, resolved and checked.

        Raises:
            UserError: A word, a key or a value is wrong.
        """
        return plain_config(self.composed(words), self.command, words)


@contextmanager
def _set_aside() -> Iterator[None]:
    """Let Hydra be set up anew within a program that has set it up for itself."""
    from hydra.core.global_hydra import GlobalHydra
    from hydra.version import VersionBase

    theirs = GlobalHydra.instance()
    held, version = theirs.hydra, VersionBase.instance().getbase()
    theirs.clear()
    try:
        yield
    finally:
        GlobalHydra.set_instance(theirs)
        theirs.hydra = held
        if held is not None:
            VersionBase.instance().version_base = version


def search_path(folders: Sequence[Path]) -> list[str]:
    """Return the override that lets Hydra find configs of packages, then the user's own."""
    everywhere = (*package_folders(), *folders)
    places = ",".join(text_value(f"file://{folder}") for folder in everywhere)
    return [f"hydra.searchpath=[{places}]"] if places else []


def plain_config(config: Any, command: str, words: Sequence[str] = ()) -> dict[str, Any]:
    """Return a composed config resolved and checked, as plain dictionaries and lists.

    Args:
        config: As Hydra composed it.
        command: Names its schema.
        words: The overrides that it was composed of.

    Raises:
        UserError: A value is missing, wrong, or refers to nothing; a key does not exist.
    """
    from omegaconf import OmegaConf

    with _named_by_key():
        missing = sorted(OmegaConf.missing_keys(config))
        if missing:
            raise UserError(f"'{missing[0]}' has no value; give it: {missing[0]}=...")
        plain = OmegaConf.to_container(config, resolve=True)
    assert isinstance(plain, dict)
    tree = for_this_method({str(key): value for key, value in plain.items()}, words)
    tree = with_plug_ins(going_on(tree, words), chosen(command, words))
    check(tree, command)
    return tree


@contextmanager
def _named_by_key() -> Iterator[None]:
    """Name the key whose reference cannot be filled in."""
    from omegaconf.errors import OmegaConfBaseException

    try:
        yield
    except OmegaConfBaseException as error:
        reason = str(error).partition("\n")[0]
        raise UserError(f"{error.full_key}: cannot be filled in ({reason})") from error


def register_resolvers() -> None:
    """Make the project's interpolations known to OmegaConf."""
    from omegaconf import OmegaConf

    OmegaConf.register_new_resolver("user_cache", user_cache, replace=True)


def user_cache() -> str:
    """Return the folder for what can be computed again: ``MLFF_CACHE``, else the platform's."""
    from platformdirs import user_cache_dir

    return os.environ.get("MLFF_CACHE") or user_cache_dir("mlff", appauthor=False)
