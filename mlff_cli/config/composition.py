"""Hydra behind one door: composes a command's config, checks it, hands it to the command."""

import hashlib
import json
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from mlff_cli.cli.help import ALIASES
from mlff_cli.config.hydra_errors import translated
from mlff_cli.config.overrides import (
    combinations,
    is_showing,
    quoted,
    refuse_early,
    text_value,
    told_apart,
    variations,
)
from mlff_cli.config.schema import check
from mlff_cli.config.shipped import configs_folder
from mlff_cli.errors import UserError
from mlff_cli.system import garbage


def run_command(command: str, words: list[str]) -> int:
    """Compose `command`'s config from Hydra's overrides, run it, return its exit code."""
    # Hydra prints its own error texts and leaves with 1 unless told to raise.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    import hydra
    from hydra.core.global_hydra import GlobalHydra
    from omegaconf import DictConfig

    name = ALIASES.get(command, command)
    several = command == "sweep"
    flags, overrides = told_apart(words)
    refuse_early(overrides)
    overrides = [quoted(word, several=several) for word in overrides]
    register_resolvers()
    GlobalHydra.instance().clear()
    codes: list[int] = []
    errors: list[Exception] = []

    def task(config: DictConfig) -> None:
        # A launcher's process has not been here; errors are carried past Hydra, which would
        # print lines of its own about them.
        register_resolvers()
        try:
            plain = plain_config(config, name)
            module = import_module(f"mlff_cli.commands.{command}")
            garbage.while_working()
            codes.append(int(module.run(plain) or 0))
        except Exception as error:
            errors.append(error)

    try:
        if {"-m", "--multirun"} & set(flags) and not several:
            raise UserError("several runs at once are for mlff sweep; leave --multirun out")
        if several:
            first = check_values(overrides, flags, name)
            if is_showing(flags):
                overrides = first
            else:
                os.environ["MLFF_SWEEP"] = sweep_name(overrides)
                if (code := in_processes(overrides, flags, name)) is not None:
                    return code
                flags.append("--multirun")
        sys.argv = [f"mlff {command}", *flags, *overrides]
        hydra.main(version_base="1.3", config_path=str(configs_folder()), config_name=name)(task)()
    except Exception as error:
        if not (several and type(error).__module__.partition(".")[0] == "submitit"):
            raise _mendable(error, overrides, name) from error
        # A job of a cluster was killed; what the others gave is kept and shown.
        said = str(error).strip().partition("\n")[0]
        again = "the same command takes it up again when the others have ended"
        print(f"mlff: a job left no result ({said}); {again}", file=sys.stderr)
        codes.append(1)
    if errors:
        raise errors[0]
    if several and not is_showing(flags):
        codes.append(int(import_module("mlff_cli.commands.sweep").finish()))
    return max(codes, default=0)


def plain_config(config: Any, command: str) -> dict[str, Any]:
    """Return the composed config resolved and checked, as plain dictionaries and lists."""
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    try:
        missing = sorted(OmegaConf.missing_keys(config))
        if missing:
            raise UserError(f"'{missing[0]}' has no value; give it: {missing[0]}=...")
        plain = OmegaConf.to_container(config, resolve=True)
    except OmegaConfBaseException as error:
        reason = str(error).partition("\n")[0]
        raise UserError(f"{error.full_key}: cannot be filled in ({reason})") from error
    assert isinstance(plain, dict)
    tree = {str(key): value for key, value in plain.items()}
    check(tree, command)
    return tree


def check_values(overrides: list[str], flags: list[str], command: str) -> list[str]:
    """Hold every value of a sweep to the schema before any run starts; return the first values.

    Raises:
        UserError: A value is wrong.
    """
    from hydra import compose, initialize_config_dir

    own = [f"hydra.searchpath=[{folder}]" for folder in _config_folders(flags)]
    varied = variations(overrides)
    words = varied[0]
    with initialize_config_dir(str(configs_folder()), version_base="1.3"):
        try:
            whole = compose(command, overrides=[*own, *words], return_hydra_config=True)
            params = whole.hydra.sweeper.get("params") or {}
            varied = variations([*(f"{key}={value}" for key, value in params.items()), *overrides])
            for words in varied:
                plain_config(compose(command, overrides=[*own, *words]), command)
        except Exception as error:
            raise _mendable(error, words, command) from error
    return varied[0]


def in_processes(overrides: list[str], flags: list[str], command: str) -> int | None:
    """Carry out a sweep with runs in processes of their own; None where Hydra is to do it."""
    from hydra import compose, initialize_config_dir

    own = [f"hydra.searchpath=[{folder}]" for folder in _config_folders(flags)]
    with initialize_config_dir(str(configs_folder()), version_base="1.3"):
        first = [*own, *variations(overrides)[0]]
        whole = compose(command, overrides=first, return_hydra_config=True)
        processes = whole.trainer.processes
        if processes == 1 and whole.hydra.runtime.choices["hydra/launcher"] == "basic":
            return None
        params = whole.hydra.sweeper.get("params") or {}
        words = combinations([*(f"{key}={value}" for key, value in params.items()), *overrides])
        runs = [
            ([*flags, *word], plain_config(compose(command, overrides=[*own, *word]), command))
            for word in words
        ]
    sweep, folder = (
        import_module("mlff_cli.commands.sweep"),
        import_module("mlff_cli.sweeps.folder"),
    )
    if processes == 1:
        jobs = [sweep.Job(config, str(whole.hydra.sweep.dir)) for _, config in runs]
        folder.plan(job.note_planned for job in jobs)
        return None
    folder.begin(whole.hydra)
    sys.argv = ["mlff sweep", *flags, *overrides]
    parallel = import_module("mlff_cli.sweeps.in_processes")
    code = int(parallel.run_all(folder.of_sweep(), runs, processes))
    return max(code, int(sweep.finish()))


def _mendable(error: Exception, words: list[str], command: str) -> Exception:
    """Return what Hydra raised as a `UserError`; what is none of Hydra's stays as it is."""
    from hydra.errors import HydraException

    # A choice that is missing is an OSError as well.
    own = isinstance(error, UserError | OSError) and not isinstance(error, HydraException)
    return error if own else translated(error, words, command)


def _config_folders(flags: list[str]) -> list[str]:
    """Return the user's folder of configs, ready for Hydra's search path."""
    found = []
    for place, flag in enumerate(flags):
        name, equals, value = flag.partition("=")
        if name in ("--config-dir", "-cd"):
            folder = value if equals else "".join(flags[place + 1 : place + 2])
            found.append(text_value(f"file://{Path(folder).resolve()}"))
    return found


def sweep_name(words: list[str]) -> str:
    """Return a folder name for the sweep that these overrides describe, in whatever order."""
    return "sweep-" + hashlib.sha256(json.dumps(sorted(words)).encode()).hexdigest()[:8]


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
