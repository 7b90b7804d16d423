"""Tab completion, as bash calls it."""

import os
import shutil
import subprocess
import sys

import pytest
from command_calls import call

from mlff_cli.cli.completion import candidates
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


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_bash_completes_with_the_function_that_is_printed(tmp_path):
    program = tmp_path / "mlff"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m mlff_cli "$@"\n')
    program.chmod(0o755)
    typed = "mlff train fusion=aut"
    script = f"""
        {call("completion", "bash").out}
        COMP_LINE='{typed}'; COMP_POINT=${{#COMP_LINE}}
        _mlff mlff
        printf '<%s>' "${{COMPREPLY[@]}}"
    """
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "<authors >"
    assert done.stderr == ""
