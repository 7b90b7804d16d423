"""``mlff sweep experiment=paper_table`` on the smallest images, and the launchers of a sweep."""

import csv
import sys

import hydra
import pytest
import yaml
from command_calls import call

from mlff_cli.config.shipped import choices, configs_folder
from mlff_cli.sweeps.cluster import starts_jobs

TINY = ("data.image_size=32", "data.images_per_class=5", "method.epochs=1", "trainer.workers=0")
EXPERIMENTS = sorted(path.stem for path in (configs_folder() / "experiment").glob("*.yaml"))


@pytest.fixture(autouse=True)
def empty(tmp_path, monkeypatch, cache):
    monkeypatch.chdir(tmp_path)


def rows(folder, name):
    (path,) = folder.glob(f"runs/sweeps/*/{name}")
    with path.open(encoding="utf-8") as file:
        return path, list(csv.DictReader(file))


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_an_experiment_begins_with_its_command_and_names_what_there_is(name):
    text = (configs_folder() / "experiment" / f"{name}.yaml").read_text()
    assert f"mlff sweep experiment={name}" in text.splitlines()[1]
    params = yaml.safe_load(text)["hydra"]["sweeper"]["params"]
    for group in ("task", "method"):
        assert set(params[group].split(",")) <= set(choices(group))
    assert call("sweep", f"experiment={name}", "--cfg", "job").code == 0


def test_the_real_tasks_are_found_by_the_folder_of_downloaded_images():
    for task in ("surface_defect_real", "component_misalignment_real"):
        result = call("train", f"task={task}", "paths.data=somewhere/else")
        assert result.code == 2 and "somewhere/else" in result.err


def test_the_sweep_ends_in_the_papers_table(tmp_path):
    words = (
        "task=cross_product_metal",
        "method=mlff,linear_probe",
        "seed=0",
        "trainer.processes=1",
    )
    result = call("sweep", "experiment=paper_table", *TINY, *words)
    assert result.code == 0, result.err
    path, (row,) = rows(tmp_path, "paper_table/results.csv")
    assert row["tasks"] == "cross_product_metal" and row["seeds"] == "1"
    assert 0 <= float(row["mlff unseen mAP"]) <= 1
    assert row["mlff - linear_probe unseen mAP: verdict"] == "not decided"
    assert row["finetune unseen mAP"] == "" and row["paper: mlff unseen mAP"] == "0.807"
    text = path.with_name("results.md").read_text()
    assert text in result.out and "\nsplit: no near-duplicates" in text
    assert len(rows(tmp_path, "runs.csv")[1]) == 2


def test_jobs_of_submitit_end_in_the_same_table(tmp_path):
    pytest.importorskip("hydra_plugins.hydra_submitit_launcher", reason="extra 'slurm' is missing")
    if not starts_jobs(sys.version_info[:2], hydra.__version__):
        pytest.skip("Hydra 1.3, Python 3.14")
    words = (
        "sweep",
        "task=surface_defect",
        *TINY,
        "backbone.engine=torch",
        "method=linear_probe",
        "seed=0",
    )
    result = call(*words, "hydra/launcher=submitit_local", "hydra.launcher.timeout_min=5")
    assert result.code == 0, result.err
    _, runs = rows(tmp_path, "runs.csv")
    assert [(run["seed"], float(run["final mAP"]) > 0) for run in runs] == [("0", True)]
