"""Runs of a sweep as jobs of submitit, on this machine."""

import sys
from dataclasses import replace

import hydra
import pytest
from command_calls import TINY

from mlff_cli.errors import UserError
from mlff_cli.sweeps.cluster import run_on_cluster, starts_jobs
from mlff_cli.sweeps.notes import NOT_BEGUN, Notes
from mlff_cli.sweeps.plan import plan

pytest.importorskip("hydra_plugins.hydra_submitit_launcher", reason="extra 'slurm' is missing")

needs_jobs = pytest.mark.skipif(
    not starts_jobs(sys.version_info[:2], hydra.__version__), reason="Hydra 1.3, Python 3.14"
)

LOCAL = ("hydra/launcher=submitit_local", "hydra.launcher.timeout_min=5")


@pytest.fixture
def kill():
    """A stand-in for `mlff train` whose second run is killed; a job can load nothing from here."""

    def train(config, painter, listing):
        import os
        import signal

        if config["seed"] == 1:
            os.kill(os.getpid(), signal.SIGKILL)

    return train


@pytest.fixture
def planned(tmp_path, monkeypatch):
    """A sweep of two jobs that has not begun."""
    monkeypatch.chdir(tmp_path)
    found = plan([*TINY, "seed=0,1", "paths.runs=a b", *LOCAL])
    notes = Notes(found.folder)
    notes.begin(found.runs)
    return found, notes


@needs_jobs
def test_a_job_that_leaves_no_result_is_told_and_the_others_are_kept(planned, kill, capsys):
    found, notes = planned
    assert found.launcher == "submitit_local"
    before = list(sys.argv)
    run_on_cluster(found, notes, kill)
    assert [notes.error(run) for run in found.runs] == [None, "was killed or interrupted"]
    assert "mlff: a job left no result" in capsys.readouterr().err
    assert sys.argv == before
    assert not list(found.folder.glob("*.yaml"))


@needs_jobs
def test_a_launcher_that_is_not_there_is_named(planned, kill):
    found, notes = planned
    broken = replace(found, overrides=(*found.overrides[:-2], "hydra/launcher=nothing"))
    with pytest.raises(UserError, match="nothing"):
        run_on_cluster(broken, notes, kill)
    assert notes.error(found.runs[0]) == NOT_BEGUN


def test_a_hydra_that_python_refuses_is_told_before_anything_is_submitted(
    planned, kill, monkeypatch
):
    found, notes = planned
    monkeypatch.setattr("mlff_cli.sweeps.cluster.starts_jobs", lambda *versions: False)
    with pytest.raises(UserError, match=r"cannot submit jobs.*use Python 3\.13"):
        run_on_cluster(found, notes, kill)
    assert notes.error(found.runs[0]) == NOT_BEGUN


@pytest.mark.parametrize(
    ("python", "version", "starts"),
    [((3, 13), "1.3.8", True), ((3, 14), "1.3.8", False), ((3, 14), "1.4.0rc3", True)],
)
def test_versions_that_submit_jobs(python, version, starts):
    assert starts_jobs(python, version) is starts
