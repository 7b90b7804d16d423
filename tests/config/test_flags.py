"""The flags of a command line, told from its overrides."""

from pathlib import Path

import pytest

from mlff_cli.config.flags import Flags, parse
from mlff_cli.errors import UserError


def test_flags_and_words_are_told_apart(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("my configs").mkdir()
    words = ["seed=1", "--config-dir", "my configs", "runs/x", "--cfg=job", "-p", "splits"]
    flags = Flags("job", "splits", folders=(tmp_path / "my configs",))
    assert parse(words) == (flags, ["seed=1", "runs/x"])


@pytest.mark.parametrize(
    ("words", "flags"),
    [
        ([], Flags()),
        (["-c", "all", "--resolve"], Flags("all", resolve=True)),
        (["--cfg=hydra", "--package=hydra.job"], Flags("hydra", "hydra.job")),
        (["--cfg", "job", "--cfg", "all"], Flags("all")),
    ],
)
def test_what_flags_ask_for(words, flags):
    assert parse(words) == (flags, [])


@pytest.mark.parametrize("words", [["--watch", "a b,c=1"], ["--watch=a b,c=1"]])
def test_a_key_may_be_typed_as_a_flag_where_the_command_says_so(words):
    assert parse(words, keys=("watch",)) == (Flags(), ['watch="a b,c=1"'])
    with pytest.raises(UserError, match="no flag '--watch'"):
        parse(words)


@pytest.mark.parametrize(
    ("words", "said"),
    [(["--watch"], "needs a value"), (["--watch="], "needs a value"), (["--wach=x"], "'--watch'")],
)
def test_such_a_flag_needs_its_name_and_its_value(words, said):
    with pytest.raises(UserError, match=said):
        parse(words, keys=("watch",))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--seed=1"], r"no flag '--seed'.* seed="),
        (["--seed", "1"], r"no flag '--seed'.* seed="),
        (["--cgf", "job"], "did you mean '--cfg'"),
        (["--config-path=x"], "no flag '--config-path'; did you mean '--config-dir'"),
        (["--info"], "no flag '--info'"),
        (["--resolve=true", "--cfg=job"], "did you mean '--resolve'"),
        (["-m"], "mlff sweep"),
        (["--multirun"], "mlff sweep"),
        (["--cfg"], "--cfg needs a value"),
        (["--cfg", "jobs"], "no 'jobs'; did you mean 'job'"),
        (["--resolve"], "go with --cfg"),
        (["-p", "splits"], "go with --cfg"),
        (["--config-dir", "nowhere"], "nowhere: there is no such folder"),
        (["-"], "no flag '-'"),
    ],
)
def test_what_is_no_flag_is_refused(words, said):
    with pytest.raises(UserError, match=said):
        parse(words)
