from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from mlff_cli.results.labels import plain
from mlff_cli.results.renderers.html import render
from mlff_cli.results.table import Column, Table


class Read(HTMLParser):
    """The tags that were opened, and the texts in them."""

    def __init__(self):
        super().__init__()
        self.tags, self.texts = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.texts.append("")

    def handle_data(self, data):
        if self.texts and self.tags[-1] in ("caption", "th", "td", "li"):
            self.texts[-1] += data


def read(table):
    reader = Read()
    reader.feed(render(table))
    return reader


def test_a_plain_table_with_notes_and_definitions_below():
    columns = [Column("method"), Column("score", "fraction", "the mean")]
    text = render(Table("result", columns, [{"method": "a", "score": 0.5}], ["a note"]))
    assert (
        text
        == """\
<table>
<caption>result</caption>
<thead>
<tr><th>method</th><th style="text-align: right">score</th></tr>
</thead>
<tbody>
<tr><td>a</td><td style="text-align: right">50.0 %</td></tr>
</tbody>
</table>
<ul>
<li>a note</li>
<li>score: the mean</li>
</ul>
"""
    )


@given(st.text(min_size=1, max_size=20))
def test_everything_is_escaped(label):
    for words in (label, f"<script>{label}</script>", f"&lt;{label}'\""):
        table = Table(
            f"t {words}", [Column(f"c {words}", key="k")], [{"k": f"x {words}"}], [f"n {words}"]
        )
        found = read(table)
        assert found.tags == [
            "table",
            "caption",
            "thead",
            "tr",
            "th",
            "tbody",
            "tr",
            "td",
            "ul",
            "li",
        ]
        shown = [text.strip("\n") for text in found.texts if text.strip("\n")]
        assert shown == [plain(f"{letter} {words}") for letter in "tcxn"]
