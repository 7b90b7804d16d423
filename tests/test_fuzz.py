"""Whatever a user types or writes into a manifest, the answer is a result or a message."""

import os
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from tiny_task import picture

from mlff_cli.cli.main import main
from mlff_cli.config.schema import flatten
from mlff_cli.config.shipped import choices, groups, shipped
from mlff_cli.data.csv import Csv
from mlff_cli.errors import UserError
from mlff_cli.tasks.task import make_task

KEYS = sorted(
    {
        *(key for key, _ in flatten(shipped("train"))),
        *(
            f"{section}.{key}"
            for section, group, choice in (
                ("data", "dataset", "surfaces"),
                ("backbone", "backbone", "efficientnet_lite0"),
                ("fusion", "fusion", "conv1x1"),
                ("method", "method", "mlff"),
                ("trainer", "trainer", "default"),
                ("head", "head", "classifier"),
                ("schedule", "schedule", "by_product"),
            )
            for key in shipped(f"{group}/{choice}")
        ),
        *groups(),
        "hydra.run.dir",
        "task",
        "_target_",
    }
)
NAMES = sorted({name for group in groups() for name in choices(group)})
VALUES = st.one_of(
    st.text(max_size=12),
    st.integers().map(str),
    st.floats().map(repr),
    st.sampled_from([*NAMES, "null", "true", "[]", "{}", "[1,[2]]", "{a:1}", "???", "''", "1,2"]),
    st.sampled_from(["${seed}", "${x}", "${oc.env:X}", "${", "range(3)", "glob(*)", "\\", '"']),
)
WORDS = st.one_of(
    st.builds("{}={}".format, st.sampled_from(KEYS), VALUES),
    st.builds(
        "{}{}={}".format, st.sampled_from(["+", "++", "~", "@"]), st.sampled_from(KEYS), VALUES
    ),
    st.text(max_size=12).filter(lambda word: not word.startswith("-") or word == "-"),
)


def answer(*words: str) -> tuple[int, str]:
    """Return exit code and what was said of a command that composes, checks and does no more."""
    said = StringIO()
    with (
        patch("mlff_cli.commands.train.run", lambda config: 0),
        redirect_stdout(said),
        redirect_stderr(said),
        pytest.raises(SystemExit) as end,
    ):
        main(list(words))
    return int(end.value.code or 0), said.getvalue()


@settings(max_examples=40)
@given(words=st.lists(WORDS, max_size=3))
def test_any_words_give_a_config_or_a_message(words):
    code, said = answer("train", *words)
    assert code in (0, 2), said
    assert "Traceback" not in said
    if code == 2:
        assert said.startswith("mlff: "), said


@settings(max_examples=100)
@given(words=st.lists(st.text(max_size=8).filter(lambda word: word != "--debug"), max_size=2))
def test_any_command_that_is_none_gives_a_message(words):
    code, said = answer("list", *words)
    assert code in (0, 2), said
    code, said = answer(*(f"_{word}" for word in words), "nothing")
    assert code == 2
    assert "Traceback" not in said


CELLS = st.one_of(
    st.sampled_from(["a.png", "b.png", "c.png", "d.png", "../a.png", "/etc/passwd", "", "a.png "]),
    st.sampled_from(["good", "bad", "Good", "nan", "inf", "1.5", "-1e400", "train", "test", "val"]),
    st.text(max_size=6),
)
HEADERS = st.lists(
    st.sampled_from(["path", "label", "labels", "target_x", "product", "batch", "group", "split"]),
    min_size=1, max_size=5,
)  # fmt: skip


@st.composite
def tables(draw: st.DrawFn) -> bytes:
    """Draw a manifest that is nearly right, in one of several encodings."""
    separator, end = draw(st.sampled_from(",;\t")), draw(st.sampled_from(["\n", "\r\n", "\r"]))
    header = draw(HEADERS)
    rows = draw(st.lists(st.lists(CELLS, min_size=len(header), max_size=len(header)), max_size=6))
    text = end.join(separator.join(cells) for cells in [header, *rows])
    coding = draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "latin-1", "cp1252"]))
    return text.encode(coding, "replace")


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    for name in "abcd":
        Image.fromarray(picture()).save(folder / f"{name}.png")
    return folder


@settings(max_examples=300)
@given(content=st.one_of(tables(), st.binary(max_size=60)))
def test_any_manifest_gives_records_or_a_message(images, content):
    (images / "list.csv").write_bytes(content)
    dataset = Csv(file=str(images / "list.csv"))
    try:
        records = dataset.records()
    except UserError as error:
        assert "list.csv" in str(error)
        return
    assert records
    for record in records:
        assert Path(os.path.realpath(record.image.path)).is_relative_to(images)
    try:
        task = make_task(
            records,
            line="product",
            heads="separate",
            test=0.25,
            validation=0.15,
            scored="test",
            seed=0,
            target_names=dataset.target_names,
        )
    except UserError as error:
        assert str(error)
        return
    scored = [r.name for e in task.experiences for r in (*e.train, *e.validation, *e.test)]
    assert sorted(scored) == sorted(record.name for record in records)
