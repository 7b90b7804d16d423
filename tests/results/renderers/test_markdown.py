from hypothesis import example, given, settings
from hypothesis import strategies as st

from mlff_cli.results.labels import plain
from mlff_cli.results.renderers.markdown import render
from mlff_cli.results.table import Column, Table
from mlff_cli.results.tables import results_table


def test_rows_then_notes_then_definitions():
    columns = [Column("method"), Column("score", "fraction", "mean over j of a[j,j]")]
    rows = [{"method": "a_b", "score": 0.0}, {"method": "b", "score": None}]
    table = Table("not shown", columns, rows, ["a note on *this*"], legend="a[i,j] is a score")
    assert render(table).splitlines() == [
        "| method | score |",
        "| --- | ---: |",
        "| a_b | 0.0 % |",
        "| b |  |",
        "",
        r"- a note on \*this\*",
        r"- a\[i,j\] is a score",
        r"- score: mean over j of a\[j,j\]",
    ]


def test_a_table_without_rows_is_its_notes():
    assert render(Table("", [], [], ["failed: a | b"])) == "- failed: a \\| b\n"


@settings(max_examples=150)
@given(st.text(max_size=20), st.text("|\\<>`*[]_~&$ a\n", max_size=12))
@example("R&amp;D &lt;1 mm", r"C:\\|x\\")
@example("<b>*x*</b> ~~y~~ $z$", "[a](b) `c` __d__")
def test_markdown_shows_labels_letter_by_letter(first, second):
    from markdown_it import MarkdownIt

    rows = [{"scenario": first, "method": second, "backbone": "end", "final mAP": 0.5}]
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(render(results_table(rows)))
    texts = [token for token in tokens if token.type == "inline"]
    shown = [name for name in ("scenario", "method") if plain(str(rows[0][name]))]
    columns = len(shown) + 2
    for token, name in zip(texts[columns:], shown, strict=False):
        assert "".join(child.content for child in token.children) == plain(rows[0][name])
        assert {child.type for child in token.children} <= {"text", "text_special"}
    assert texts[2 * columns - 1].content == "50.0 %"
