from hypothesis import given
from hypothesis import strategies as st

from mlff_cli.results.labels import distinct, markdown, plain, shortened


def test_plain_is_one_line_without_control_characters():
    assert plain(" steel\r\n sheet\t4 ") == "steel sheet 4"
    assert plain("a\x1b[31mred\x00\udc80") == "a\ufffd[31mred\ufffd\ufffd"
    assert plain("鋼板 é") == "鋼板 é"


@given(st.text(), st.integers(3, 40))
def test_shortened_is_never_longer_and_keeps_both_ends(label, length):
    short = shortened(label, length)
    assert len(short) <= length
    assert short[:1] == plain(label)[:1]
    assert short[-1:] == plain(label)[-1:]


def test_labels_that_would_look_alike_are_numbered():
    labels = [f"stainless steel sheet {number} of one supplier" for number in range(12)]
    short = distinct(labels, 20)
    assert len(set(short)) == 12
    assert short[2].startswith("3 stain")
    assert distinct(["steel", "tile"], 20) == ["steel", "tile"]


def test_markdown_leaves_common_names_as_they_are():
    assert markdown("surface_defect-2, 93.8 ± 0.4 %") == "surface_defect-2, 93.8 ± 0.4 %"
    assert markdown("_a_ | <b> [c](d) `e` *f*") == (r"\_a\_ \| \<b\> \[c\](d) \`e\` \*f\*")
