"""Configs of one command that differ in values alone: their files are read and merged once."""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from mlff_cli.config.composition import Composer, plain_config
from mlff_cli.config.overrides import parsed
from mlff_cli.errors import UserError


class Variants:
    """Composes the configs of many runs.

    For each, Hydra would read and merge some twenty files, which takes 0.1 s or more; what it does
    with the values of a command line afterwards is one update for each.
    """

    def __init__(self, composer: Composer) -> None:
        self._composer = composer
        self._merged: dict[tuple[str, ...], Any] = {}
        self._values: dict[str, tuple[str, Any] | None] = {}

    def checked(self, words: Sequence[str]) -> dict[str, Any]:
        """Return what `Composer.checked` does.

        Raises:
            UserError: A word, a key or a value is wrong.
        """
        return plain_config(self._composed(words), self._composer.command, words)

    def _composed(self, words: Sequence[str]) -> Any:
        from omegaconf import OmegaConf
        from omegaconf.errors import OmegaConfBaseException

        values = [self._value_of(word) for word in words]
        choices = tuple(word for word, value in zip(words, values, strict=True) if value is None)
        if any(word.startswith(("+", "~")) for word in choices):
            return self._composer.composed(words)  # their place among the others counts
        try:
            if choices not in self._merged:
                self._merged[choices] = self._composer.composed(choices)
            config = deepcopy(self._merged[choices])
            for key, value in filter(None, values):
                OmegaConf.update(config, key, deepcopy(value), merge=True)
        except (UserError, OmegaConfBaseException):
            return self._composer.composed(words)  # which says what is wrong
        return config

    def _value_of(self, word: str) -> tuple[str, Any] | None:
        """Return key and value of an override of a value; None of what chooses or adds files."""
        if word not in self._values:
            self._values[word] = self._read(word)
        return self._values[word]

    def _read(self, word: str) -> tuple[str, Any] | None:
        from hydra.core.global_hydra import GlobalHydra

        key = word.partition("=")[0]
        if word == key or not key.replace(".", "").replace("_", "").isalnum():
            return None
        loader = GlobalHydra.instance().config_loader()
        if key.partition(".")[0] == "hydra" or ("." not in key and loader.get_group_options(key)):
            return None
        return key, parsed(word).value()
