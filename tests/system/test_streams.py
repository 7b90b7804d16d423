"""Standard output and error that take everything that is printed."""

import io
import sys

import pytest

from mlff_cli.system import streams


@pytest.mark.parametrize(
    ("encoding", "text", "shown"),
    [
        ("ascii", "s\u00fcd \u6b63", rb"s\xfcd \u6b63"),
        ("latin-1", "s\u00fcd \u6b63", b"s\xfcd \\u6b63"),
        ("utf-8", "\u6b63 \udc80", "\u6b63 \\udc80".encode()),
    ],
)
def test_what_the_encoding_lacks_is_escaped(encoding, text, shown, monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", stream)
    streams.prepare()
    print(text, end="", flush=True)
    assert stream.buffer.getvalue() == shown


def test_a_closed_stream_takes_everything_and_shows_nothing(monkeypatch):
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    streams.prepare()
    for stream in (sys.stdout, sys.stderr):
        print("\u6b63", file=stream, flush=True)
        assert not stream.isatty()
        stream.close()


def test_a_stream_of_another_kind_is_left_as_it_is(monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    streams.prepare()
    assert sys.stdout is stream
