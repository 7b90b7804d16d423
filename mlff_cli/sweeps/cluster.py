"""Runs of a sweep as jobs of a cluster, by one of Hydra's launchers: the one use of hydra.main."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from mlff_cli.config.composition import plain_config, register_resolvers, search_path
from mlff_cli.config.overrides import text_value
from mlff_cli.config.plug_ins import beside
from mlff_cli.config.shipped import configs_folder
from mlff_cli.errors import UserError
from mlff_cli.results.painter import Painter
from mlff_cli.sweeps.here import Train, carry_out
from mlff_cli.sweeps.notes import Notes
from mlff_cli.sweeps.plan import CONFIG, Plan, PlannedRun


def run_on_cluster(plan: Plan, notes: Notes, train: Train) -> None:
    """Submit a job for each run and wait for all; each job notes what became of its run.

    Where a job leaves no result, for instance because it was killed, the launcher gives up: that
    is said here, the sweep's table names the run, and those that were finished are kept.

    Raises:
        UserError: The launcher cannot be set up.
    """
    import hydra
    from hydra.errors import HydraException

    if not starts_jobs(sys.version_info[:2], hydra.__version__):
        raise UserError(
            f"hydra/launcher={plan.launcher}: Hydra {hydra.__version__} cannot submit jobs with "
            "Python 3.14 or newer; use Python 3.13, or Hydra 1.4 (pip install 'hydra-core>=1.4')"
        )

    # Hydra prints its own error texts and leaves with 1 unless told to raise.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    main = hydra.main(version_base="1.3", config_path=str(configs_folder()), config_name=CONFIG)
    try:
        with _command_line(plan):
            main(_job(plan, notes, train))()
    except HydraException as error:
        raise UserError(f"hydra/launcher={plan.launcher}: {_first_line(error)}") from error
    except Exception as error:
        again = "the same command resumes the sweep when the other jobs have ended"
        print(f"mlff: a job left no result ({_first_line(error)}); {again}", file=sys.stderr)
    finally:
        (plan.folder / "multirun.yaml").unlink(missing_ok=True)  # Hydra's own


def starts_jobs(python: tuple[int, int], hydra: str) -> bool:
    """Return whether such a version of Hydra can submit jobs with such a Python.

    Hydra 1.3 describes its flags in a way that argparse of Python 3.14 refuses.
    """
    return python < (3, 14) or not hydra.startswith("1.3.")


def _job(plan: Plan, notes: Notes, train: Train) -> Callable[[Any], None]:
    """Return what a job does with its config, in a process that has not been here before."""
    folders = plan.folders

    def job(config: Any) -> None:
        from hydra.core.hydra_config import HydraConfig

        register_resolvers()
        words = list(HydraConfig.get().overrides.task)
        with beside(folders), Painter() as painter:
            planned = PlannedRun((), plain_config(config, CONFIG, words))
            carry_out(planned.grouped(notes.sweep), notes, train, painter)

    return job


@contextmanager
def _command_line(plan: Plan) -> Iterator[None]:
    """Have the sweep where hydra.main looks for it."""
    before = sys.argv
    own = [*search_path(plan.folders), f"hydra.sweep.dir={text_value(str(plan.folder))}"]
    sys.argv = [before[0], "--multirun", *plan.overrides, *own]
    try:
        yield
    finally:
        sys.argv = before


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
