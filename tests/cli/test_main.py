"""Help, refusals, and what neither of them imports or leaves behind."""

import pytest
from command_calls import HEAVY, call, imported, refusal

from mlff_cli import __version__
from mlff_cli.cli.table import COMMANDS, every_command
from mlff_cli.config.shipped import choices, groups


@pytest.fixture(autouse=True)
def empty(tmp_path, monkeypatch):
    """Every call here is made in an empty folder and leaves it so."""
    monkeypatch.chdir(tmp_path)
    yield
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"], ["help"]])
def test_help_names_every_command(words):
    result = call(*words)
    assert (result.code, result.err) == (0, "")
    assert all(f"  {name} " in result.out for name in COMMANDS)


def test_the_version():
    assert call("--version") == (0, f"mlff {__version__}\n", "")


@pytest.mark.parametrize("command", ["train", "sweep"])
def test_help_of_a_command_shows_groups_choices_and_keys_with_defaults(command):
    out = call(command, "--help").out
    assert all(f"{group}=" in out for group in groups() if len(choices(group)) > 1)
    assert "local*" in out and "authors" in out and "authors*" not in out
    assert "seed=0" in out and "splits.test=0.25" in out
    assert "[test | validation]" in out and "[from 0, below 1]" in out
    assert max(map(len, out.splitlines())) <= 100


@pytest.mark.parametrize("command", sorted(every_command()))
def test_every_command_has_help(command):
    result = call(*command.split(), "--help")
    assert result.code == 0
    assert result.out.startswith(f"usage: mlff {command}")


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["--version"],
        ["train", "--help"],
        ["features", "extract", "--help"],
        ["list"],
        ["list", "fusion"],
        ["completion", "bash"],
        ["completion", "--complete", "mlff train task="],
        ["trian"],
        ["list", "fusoin"],
    ],
)
def test_help_imports_neither_hydra_nor_anything_heavy(words, tmp_path):
    _, modules = imported(*words, folder=tmp_path)
    assert "mlff_cli" in modules
    assert not modules & (HEAVY | {"hydra", "omegaconf"})


@pytest.mark.parametrize(
    "words",
    [
        ["train", "task=surface_defct"],
        ["train", "method.epoch=3"],
        ["train", "method.epochs=three"],
        ["features", "extract", "shrad=1/2"],
        ["sweep", "seed=0,1", "method.epochs=2,three"],
        ["evaluate"],
        ["report"],
    ],
)
def test_a_refusal_comes_before_anything_heavy_is_imported(words, tmp_path):
    result, modules = imported(*words, folder=tmp_path)
    assert result.code == 2
    assert not modules & (HEAVY if words != ["report"] else {"torch", "timm", "sklearn"})
    assert result.err.startswith("mlff: ") and "Traceback" not in result.err


def joined(part):
    return " ".join(part) if isinstance(part, list) else ""


REFUSALS = [
    # misspelt names
    (["trian"], "no command 'trian'; did you mean 'train'?"),
    (["fly"], "choose one of: adapt, adapters, "),
    (["list", "fusoin"], "no group 'fusoin'; did you mean 'fusion'?"),
    (["list", "fusion", "head"], "one group"),
    (["completion", "tcsh"], "bash"),
    (["train", "fusoin=conv1x1"], "did you mean 'fusion'?"),
    (["train", "fusion=conv1"], "fusion: there is no 'conv1'; did you mean 'conv1x1'?"),
    (["train", "experiment=mine"], "experiment: there is no 'mine'"),
    (["train", "method.epoch=3"], "no key or group 'method.epoch'; did you mean 'method.epochs'?"),
    (["train", "epochs=3"], "did you mean 'method.epochs'?"),
    (["train", "splits.tset=0.3"], "did you mean 'splits.test'?"),
    (["train", "hydra.rum.dir=x"], "hydra.rum"),
    (["evaluate", "x", "tainer=cpu"], "did you mean 'trainer'?"),
    (["train", "--sed=3"], "no flag '--sed'"),
    (["train", "--seed", "3"], "seed=..."),
    (["train", "--info", "config"], "no flag '--info'"),
    (["train", "--config-dir", "nowhere"], "nowhere: there is no such folder"),
    # keys of other choices
    (["train", "data.root=x"], "it belongs to dataset=csv or"),
    (["train", "dataset.root=x"], "dataset=folder"),
    (["train", "method=finetune", "method.distillation=1"], "it belongs to method=mlff"),
    (["evaluate", "x", "method.epochs=3"], "no key or group 'method.epochs'; choose one of:"),
    (["sweep", "fusion=conv1x1,authors", "fusion.pooling=[mean]"], "it belongs to fusion=conv1x1"),
    # added and missing keys
    (["train", "+new=1"], "no key 'new'"),
    (["train", "++new.a=1"], "no key 'new'"),
    (["train", "+method.epoch=1"], "did you mean 'method.epochs'?"),
    (["train", "~seed"], "'seed' is missing"),
    (["train", "~method.epochs"], "'method.epochs' is missing"),
    (["train", "~fusion"], "fusion= needs a choice; choose one of: authors"),
    (["train", "fusion=null"], "fusion= needs a choice"),
    (["train", "task="], "task= needs a choice"),
    (["evaluate"], "'run' has no value; give it: run=..."),
    (["evaluate", "use_head=x"], "'run' has no value"),
    (["report"], "report needs a folder"),
    # types and ranges
    (["train", "method.epochs=three"], "method.epochs: expected a whole number, found 'three'"),
    (["train", "method.epochs=1.5"], "expected a whole number, found 1.5"),
    (["train", "method.epochs=true"], "expected a whole number, found True"),
    (["train", "method.epochs=0"], "method.epochs: expected at least 1, found 0"),
    (["train", "method.learning_rate=fast"], "expected a number, found 'fast'"),
    (["train", "method.learning_rate=0"], "between 0 and 10"),
    (["train", "method.weight_decay=nan"], "expected a number, found nan"),
    (["train", "method.weight_decay=inf"], "expected a number, found inf"),
    (["train", "splits.test=1"], "between 0 and 1 (above 0, below 1), found 1"),
    (["train", "seed=a"], "seed: expected a whole number, found 'a'"),
    (["train", "seed=-1"], "seed: expected at least 0 and at most 2^63-1, found -1"),
    (["train", f"seed={2**70}"], "seed: expected at least 0 and at most 2^63-1, found 118059"),
    (["train", "task=custom", "data.image_size=5000"], "at least 16 and at most 4096, found 5000"),
    (["train", "dataset=_files"], "dataset: there is no '_files'; choose one of: csv"),
    (["train", "seed=null"], "seed: expected a whole number, found None"),
    (["train", "features.store=maybe"], "expected true or false, found 'maybe'"),
    (["train", "trainer.device=gpu"], "one of auto, cpu, cuda, mps, found 'gpu'"),
    (
        ["train", "fusion=conv1x1", "fusion.pooling=mean"],
        "fusion.pooling: expected a list of names",
    ),
    (["train", "order=[1,2]"], "expected a list of names, for instance order=[a,b], found [1, 2]"),
    (["train", "paths.runs=2024"], "paths.runs='\"2024\"'"),
    (["train", "method=7"], "method: there is no '7'"),
    (["train", "data=surfaces"], "choose with dataset=..."),
    (["train", "method.epochs=[1"], "method.epochs: expected a whole number, found '[1'"),
    (["train", "method={epochs:3,epoch:4}"], "no key or group 'method'"),
    # what cannot be read
    (
        ["train", "surface_defect"],
        "cannot read 'surface_defect'; did you mean task=surface_defect?",
    ),
    (["train", "hm"], "cannot read 'hm'; write key=value"),
    (["train", "=3"], "=3"),
    # several values
    (["train", "seed=0,1"], "seed=0,1': several values at once are for mlff sweep"),
    (["train", "method=mlff,finetune"], "mlff sweep"),
    (["train", "task=[surface_defect,custom]"], "task= takes one choice"),
    (["train", "-m", "seed=0"], "mlff sweep"),
    (["sweep", "method=mlff,finetun"], "method: there is no 'finetun'; did you mean 'finetune'?"),
    (["sweep", "seed=0,1", "method.epochs=2,three"], "found 'three'"),
    (["sweep", "seed=0,1,-1"], "seed: expected at least 0 and at most 2^63-1, found -1"),
    (["sweep", "seed=glob(*)"], "seed: give its values one by one, seed=a,b"),
    # actions
    (["data", "task=custom"], "mlff data needs an action: mlff data check task=..."),
    (["features", "prun"], "features has no action 'prun'; did you mean 'prune'?"),
    (["features", "extrat", "task=custom"], "no action 'extrat'; did you mean 'extract'?"),
    (["features", "fly"], "choose one of: extract, list, prune, verify"),
    (["features", "action=prun"], "action: expected one of list, verify, prune, found 'prun'"),
    (["features", "paths.runs=x", "extract"], "right behind the command: mlff features extract"),
    (["features", "extract", "spaces=[a]"], "no key or group 'spaces'"),
    (["features", "shard=1/2"], "no key or group 'shard'"),
    # folders
    (["evaluate", "nowhere"], "nowhere: is no run folder"),
    (["evaluate", "a", "b"], "one run folder, not 2"),
    (["report", "nowhere"], "nowhere: there is no such folder"),
]


@pytest.mark.parametrize(("words", "said"), REFUSALS, ids=joined)
def test_a_refusal_is_one_message_that_names_what_is_right(words, said):
    assert said in refusal(*words)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["task=custom"], "data.root"),
        (["task=custom", "data.root=nowhere"], "nowhere"),
        (["fusion=authors", "fusion.width=2", "data.images_per_class=4"], "fusion.width: 2"),
        (["fusion=conv1x1", "fusion.pooling=[men]", "data.images_per_class=4"], "men"),
        (["backbone.weights=nowhere", "data.images_per_class=4"], "'nowhere'"),
        (["backbone.levels=[nowhere]", "data.images_per_class=4"], "nowhere"),
        (["head=regressor", "data.images_per_class=4"], "head=classifier"),
        (["order=[woven_fabric]", "data.images_per_class=4"], "missing: "),
    ],
    ids=joined,
)
def test_what_data_or_network_refuse_leaves_no_run_folder_either(
    words, said, monkeypatch, tmp_path_factory
):
    monkeypatch.setenv("MLFF_CACHE", str(tmp_path_factory.mktemp("cache")))
    assert said in refusal("train", "data.image_size=32", *words)


def test_debug_shows_the_traceback_and_keeps_the_exit_code():
    result = call("train", "--debug", "method.epoch=3")
    assert result.code == 2
    assert "Traceback" in result.err and result.err.endswith("did you mean 'method.epochs'?\n")


def test_a_reader_that_leaves_early_is_no_error(tmp_path):
    import subprocess
    import sys

    listing = f"'{sys.executable}' -m mlff_cli list dataset"
    command = ["bash", "-c", f"set -o pipefail; {listing} | head -1; exit ${{PIPESTATUS[0]}}"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.stdout == "csv\n"
    assert result.stderr == ""


@pytest.mark.parametrize("words", [["list", "dataset"], ["features", "list"], ["--help"]])
def test_an_output_that_is_closed_is_no_error(words, tmp_path):
    import subprocess
    import sys

    command = ["bash", "-c", '"$@" >&-', "", sys.executable, "-m", "mlff_cli", *words]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")


def test_what_the_output_cannot_hold_is_shown_as_escapes(tmp_path):
    import os
    import subprocess
    import sys

    command = [sys.executable, "-m", "mlff_cli", "runs", "paths.runs=\u6b63\u00fc"]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    result = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, check=False, env=environment
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith(r"\u6b63\xfc: no run is here yet")
