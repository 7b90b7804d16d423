"""What the Tab key is offered."""

import pytest
from command_calls import HEAVY, call, imported, refusal

from mlff_cli.cli.completion import candidates
from mlff_cli.cli.offers import ACTIONS
from mlff_cli.cli.table import COMMANDS
from mlff_cli.config.shipped import choices, groups


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("mlff tr", ["train "]),
        ("mlff list fu", ["fusion "]),
        ("mlff train tas", ["task="]),
        ("mlff train fusion=auth", ["authors "]),
        ("mlff sweep method=mlff,jo", ["mlff,joint "]),
        ("mlff train seed=1 fusion.w", ["fusion.width="]),
        ("mlff train method=mlff method.dist", ["method.distillation="]),
        ("mlff train method=finetune method.dist", []),
        ("mlff train method=finetune method.var", ["method.variations="]),
        ("mlff sweep method=finetune,mlff method.var", ["method.variations="]),
        ("mlff train trainer=cpu trainer.w", ["trainer.workers="]),
        ("mlff train features.store=", ["true ", "false "]),
        ("mlff train trainer.device=c", ["cpu ", "cuda "]),
        ("mlff train data.labelling=", ["defects ", "good_defect "]),
        ("mlff train task=component_offsets data.labelling=", ["tolerance ", "offsets "]),
        ("mlff train task=component_misalignment_real data.roo", ["data.root="]),
        ("mlff train data.variations=[fl", ["[flips"]),
        ("mlff train data.variations=[flips,b", ["[flips,brightness"]),
        ("mlff sweep splits.scored=test,v", ["test,validation "]),
        ("mlff features action=p", ["prune "]),
        ("mlff features pr", ["prune "]),
        ("mlff features ext", ["extract "]),
        ("mlff features prune ext", []),
        ("mlff features extract shar", ["shard=", "shards="]),
        ("mlff features extract fusion=auth", ["authors "]),
        ("mlff features extract seed=1 fusion.w", ["fusion.width="]),
        ("mlff features extract spac", []),
        ("mlff train method.epochs=", []),
        ("mlff evaluate us", ["use_head="]),
        ("mlff evaluate method", []),
        ("mlff train data.root=/ho", []),
        ("mlff fly ", []),
        ("mlff train fusion=nothing fusion.", []),
    ],
)
def test_candidates(line, expected):
    assert candidates(line) == expected


def test_an_empty_word_may_become_anything():
    assert candidates("mlff ") == [f"{command} " for command in COMMANDS]
    assert set(candidates("mlff train ")) > {f"{group}=" for group in groups()}
    assert candidates("mlff train task=") == [f"{task} " for task in choices("task")]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("mlff --v", ["--version "]),
        ("mlff data ", ["check ", "suggest "]),
        ("mlff data che", ["check "]),
        ("mlff data check task=cross_product_f", ["cross_product_fabric "]),
        ("mlff adapters di", ["diff "]),
        ("mlff adapters seed", []),
        ("mlff completion f", ["fish "]),
        ("mlff completion fish f", []),
        ("mlff train --", ["--cfg ", "--package ", "--config-dir ", "--resolve ", "--help ",
                           "--debug "]),
        ("mlff train --cfg ", ["job ", "hydra ", "all "]),
        ("mlff train --cfg=j", ["job "]),
        ("mlff train -c j", ["job "]),
        ("mlff train --cfg job --package fus", ["fusion "]),
        ("mlff train --config-dir ", []),
        ("mlff predict --w", ["--watch "]),
        ("mlff predict --watch ", []),
        ("mlff train --watch", []),
        ("mlff train tracker=ml", ["mlflow "]),
        ("mlff train tracker=wandb tracker.mode=", ["offline ", "online "]),
        ("mlff train operating_point.max_escape=", ["null "]),
        ("mlff runs surface_d", ["surface_defect ", "surface_defect_real "]),
        ("cd /tmp; X=1 time mlff train fusion=auth", ["authors "]),
        ("mlff list | scripts/mlff train fusion=auth", ["authors "]),
        ("mlff train 'fusion=auth", ["authors "]),
        ("mlff train data.root=/a\\", []),
    ],
)  # fmt: skip
def test_actions_flags_and_values_are_offered(line, expected):
    assert candidates(line) == expected


def test_actions_of_adapters_are_those_that_there_are():
    said = refusal("adapters", "nothing")
    assert all(action in said for action in ACTIONS["adapters"])


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """Two finished runs, one of them in a folder with an awkward name, and one that is not."""
    monkeypatch.chdir(tmp_path)
    for path in (
        "runs/solar/mlff-11",
        "runs/solar/mlff-22",
        "a b/(x)=1/mlff-33",
        "runs/solar/mlff-44",
    ):
        folder = tmp_path / path
        folder.mkdir(parents=True)
        (folder / "config.yaml").write_text("seed: 0\n")
        if "44" not in path:
            (folder / "DONE").write_text("")
    (tmp_path / "line.mlff").write_text("")
    (tmp_path / "graph.onnx").write_text("")
    (tmp_path / "image.png").write_text("")
    return tmp_path


FINISHED = ["runs/solar/mlff-11 ", "runs/solar/mlff-22 "]


@pytest.mark.parametrize(
    "typed",
    ["evaluate", "predict", "verify", "export output=x", "pack", "report", "report a",
     "adapters list", "adapters diff", "adapters diff runs/solar/mlff-11", "evaluate --debug"],
)  # fmt: skip
def test_finished_runs_are_offered_where_a_command_takes_one(runs, typed):
    assert sorted(candidates(f"mlff {typed} runs/")) == FINISHED


@pytest.mark.parametrize(
    "typed",
    ["train", "predict runs/solar/mlff-11", "evaluate x", "adapters list x", "adapters diff x y"],
)
def test_and_nowhere_else(runs, typed):
    assert candidates(f"mlff {typed} runs/") == []


def test_the_value_of_a_key_may_be_a_run(runs):
    assert sorted(candidates("mlff train from=")) == FINISHED
    assert sorted(candidates("mlff verify run=runs/solar/mlff-2")) == FINISHED[1:]
    assert sorted(candidates("mlff report runs=[runs/solar/mlff-1")) == ["[runs/solar/mlff-11"]
    assert candidates("mlff train run=") == []


def test_runs_elsewhere_are_found_by_their_path(runs):
    assert candidates(f"mlff verify {runs}/runs/solar/mlff-1") == [f"{runs}/runs/solar/mlff-11 "]
    assert candidates("mlff verify ./runs/so") == ["./runs/solar/"]
    assert candidates("mlff verify nowhere/") == []
    assert sorted(candidates("mlff predict ")[:4]) == sorted(
        ["graph.onnx ", "line.mlff ", *FINISHED]
    )
    assert candidates("mlff pack line") == ["line.mlff "]


def test_awkward_names_are_written_such_that_a_shell_reads_them(runs):
    assert candidates(r"mlff verify a\ b/") == [r"a\ b/\(x\)=1/"]
    assert candidates(r"mlff verify a\ b/\(x\)=1/m") == ["1/mlff-33 "]  # behind bash's own "="
    assert candidates("mlff verify 'a b/(x", "fish") == ["a b/(x)=1/\t"]
    # A folder of paths.runs counts as it is typed.
    assert candidates(r"mlff verify paths.runs=a\ b m") == []


@pytest.fixture
def own(tmp_path):
    """A user's own configs."""
    for path, text in {
        "fusion/narrow.yaml": "# A narrow one.\ndefaults: [conv1x1]\nwidth: 8\n",
        "method/slow.yaml": "name: finetune\n",
        "task/screws.yaml": "# @package _global_\ndefaults: [{override /method: joint}]\n",
        "fusion/broken.yaml": "{",
    }.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    return tmp_path


@pytest.mark.parametrize("flag", ["--config-dir {}", "--config-dir={}", "-cd {}"])
@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("fusion=n", ["narrow ", "normalised_means "]),
        ("task=scr", ["screws "]),
        ("fusion=narrow fusion.poo", ["fusion.pooling="]),
        ("method=slow method.dist", []),
        ("method=slow method.var", ["method.variations="]),
        ("task=screws method.dist", []),
        ("fusion=broken fusion.", []),
        ("fusion=missing fusion.", []),
    ],
)
def test_own_choices_are_offered_with_the_keys_of_what_they_vary(own, flag, typed, expected):
    found = candidates(f"mlff train {flag.format(own)} {typed}")
    assert sorted(found) == expected


def test_a_folder_of_own_choices_that_is_not_there_offers_the_shipped_ones():
    assert candidates("mlff train --config-dir /nowhere fusion=auth") == ["authors "]


def test_where_nothing_is_offered_nothing_is_said():
    assert call("completion", "--complete", "fish", "mlff fly ").out == ""


def test_what_an_offer_is_stands_behind_it():
    assert candidates("mlff tra", "zsh") == [f"train \t{COMMANDS['train'].about}"]
    assert candidates("mlff train fusion=auth", "fish")[0].startswith("fusion=authors\tThe ")
    (key,) = candidates("mlff train features.st", "zsh")
    assert key.startswith("features.store=\tKeep the features")
    assert all(len(line.partition("\t")[2]) <= 100 for line in candidates("mlff train ", "zsh"))


def test_it_imports_nothing_heavy(runs):
    for line in ("mlff train fusion.", "mlff evaluate ", "mlff train --config-dir . task="):
        result, modules = imported("completion", "--complete", "zsh", line, folder=runs)
        assert result.out and not HEAVY & modules, modules & HEAVY
        assert "hydra" not in modules and "omegaconf" not in modules


@pytest.mark.parametrize("words", [["tcsh"], ["bash", "zsh"], ["--complete"]])
def test_another_shell_is_refused_with_those_that_there_are(words):
    assert "bash" in refusal("completion", *words)


def test_without_a_shell_it_says_where_the_line_goes():
    said = call("completion").out
    assert "bash|zsh|fish" in said
    assert '~/.bashrc: eval "$(mlff completion bash)"' in said
    assert "config.fish: mlff completion fish | source" in said
