"""``backbone.levels=auto``: chosen by training images, once; what was chosen stays."""

import json

import numpy as np
import pytest
import yaml
from command_calls import TINY, call, refusal
from tiny_task import TINY as SMALL
from tiny_task import write_images

from mlff_cli.features.features import Features
from mlff_cli.runs import levels as levels_of_runs

AUTO = (*TINY, "backbone.levels=auto")


def run_of(*words):
    result = call("train", *words)
    assert result.code == 0, result.err
    return result


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A run that chose its levels, and what was said of it."""
    folder = tmp_path_factory.mktemp("levels")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        result = run_of(*AUTO)
    (run,) = folder.glob("runs/*/mlff-*")
    return run, result


def chosen_in(run):
    return yaml.safe_load((run / "config.yaml").read_text())["backbone"]["levels"]


def test_the_choice_and_its_scores_are_in_the_run_and_its_report(made):
    run, result = made
    word, *names = chosen_in(run)
    assert word == "auto" and 1 <= len(names) <= 3
    record = json.loads((run / "run.json").read_text())["levels"]
    assert record["levels"] == names and record["experience"] == "brushed_metal"
    assert [s["levels"] for s in record["scores"] if s["chosen"]][-1] == names
    assert f"levels chosen by 'brushed_metal': {', '.join(names)}" in result.out
    assert "## Levels" in (run / "results.md").read_text()
    assert "nearest neighbours" in (run / "report.html").read_text()
    assert not (run / "state").exists()


def test_the_same_command_finds_the_run_and_others_find_its_features(made, monkeypatch):
    run, _ = made
    monkeypatch.chdir(run.parents[2])
    assert "finished before" in run_of(*AUTO).out
    before = len(list(run.parent.iterdir()))
    run_of(*TINY, "fusion=conv1x1")  # whatever is pooled of all levels is stored
    (other,) = [r for r in run.parent.iterdir() if r != run and r.name.startswith("mlff-")]
    steps = json.loads((other / "run.json").read_text())["steps"]
    assert [step["images_extracted"] for step in steps] == [0, 0, 0]
    assert before == 1


def test_a_run_opened_again_reads_its_choice_and_chooses_nothing(made, monkeypatch):
    run, _ = made
    monkeypatch.chdir(run.parents[2])
    monkeypatch.setattr(levels_of_runs, "choose_levels", None)
    assert call("verify", str(run)).code == 0
    assert call("evaluate", str(run)).code == 0


def test_a_config_whose_choice_was_changed_by_hand_is_noticed(made, tmp_path, monkeypatch):
    run, _ = made
    monkeypatch.chdir(run.parents[2])
    file = run / "config.yaml"
    whole = file.read_text()
    first = chosen_in(run)[1]
    try:
        file.write_text(whole.replace(f"  - {first}\n", "  - blocks.1\n  - blocks.2\n"))
        result = call("verify", str(run))
        assert result.code != 0 and "config.yaml" in result.out + result.err
    finally:
        file.write_text(whole)


def test_training_images_of_the_first_experience_alone_tell(empty, monkeypatch):
    asked, real, read = [], levels_of_runs.Separability.of, Features.read

    def noting(self, images, *others):
        asked.extend(images)
        return read(self, images, *others)

    def noted(features, experience):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Features, "read", noting)
            found = real(features, experience)
        assert asked and set(asked) <= {record.image for record in experience.train}
        assert experience.name == "brushed_metal"
        return found

    monkeypatch.setattr(levels_of_runs.Separability, "of", noted)
    run_of(*AUTO, "seed=3")
    assert asked


def test_a_run_that_broke_off_keeps_its_choice(empty, monkeypatch):
    real, calls = levels_of_runs.choose_levels, []

    def once(*words):
        calls.append(words)
        return real(*words)

    monkeypatch.setattr(levels_of_runs, "choose_levels", once)
    from mlff_cli.runs import execution

    def broken(*_, **__):
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(execution, "learn_sequence", broken)
        assert call("train", *AUTO, "seed=4").code != 0
    (run,) = empty.glob("runs/*/mlff-*")
    kept = run / "state" / levels_of_runs.FILE
    assert kept.is_file() and len(calls) == 1
    run_of(*AUTO, "seed=4")
    assert len(calls) == 1 and not kept.exists()


def test_a_run_that_goes_on_reads_what_the_first_one_chose(empty, monkeypatch):
    for place, product in (("old", "bolt"), ("new", "nut")):
        write_images(empty / place, (product,))
    run_of(*SMALL, "data.root=old", "backbone.levels=auto")
    (run,) = empty.glob("runs/*/mlff-*")
    monkeypatch.setattr(levels_of_runs, "choose_levels", None)
    run_of(f"from={run}", "dataset=folder", "data.root=new", "trainer.device=cpu")
    (child,) = set(empty.glob("runs/*/mlff-*")) - {run}
    assert chosen_in(child) == chosen_in(run)
    records = [json.loads((own / "run.json").read_text())["levels"] for own in (run, child)]
    assert records[0]["scores"] == records[1]["scores"]
    assert records[0]["extraction_seconds"] > 0 == records[1]["extraction_seconds"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("backbone.levels=[auto,blocks.1]",), "expected auto alone"),
        (("backbone.levels=auto", "method=finetune"), "method=finetune"),
        (("backbone.levels=automatic",), "auto, or a list of names"),
    ],
)
def test_what_cannot_be_chosen_is_refused(empty, words, said):
    assert said in refusal("train", *TINY, *words)
    assert not (empty / "runs").exists()


def test_every_level_has_both_scores(made):
    run, _ = made
    scores = json.loads((run / "run.json").read_text())["levels"]["scores"]
    assert all(np.isfinite(score["logme"]) for score in scores)
