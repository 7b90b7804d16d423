"""What a file says of itself, and the seal."""

import msgspec
import pytest

from mlff_cli.errors import UserError
from mlff_cli.runs.export.card import FORMAT, KEY, Card, card_of
from mlff_cli.system.onnx_runtime import is_sealed, sealed

CARD = Card(
    product="a b", kind="class", classes=("good", "größe"), good=None, decisions=("ok", ""),
    threshold=0.1 + 0.2, novelty=None, review=None, size=(32, 48), bits=None, precision="fp32",
    provenance={"run": "mlff-1"}, version="1",
)  # fmt: skip


def test_a_card_comes_back_as_it_was():
    assert card_of({KEY: CARD.text}, "a.onnx") == CARD


@pytest.mark.parametrize("text", ["", "[]", "7", "{}", "{", CARD.text.replace('"class"', '"x"')])
def test_what_is_no_card_is_refused(text):
    with pytest.raises(UserError, match=r"a\.onnx: what it says of itself is damaged"):
        card_of({KEY: text}, "a.onnx")


def test_a_newer_card_names_the_remedy():
    newer = msgspec.json.decode(CARD.text) | {"format": FORMAT + 1, "what": "ever"}
    with pytest.raises(UserError, match=f"format {FORMAT + 1}, this program reads up to {FORMAT}"):
        card_of({KEY: msgspec.json.encode(newer).decode()}, "a.onnx")
    with pytest.raises(UserError, match="was not made by mlff export"):
        card_of({}, "a.onnx")


def test_the_seal_shows_any_changed_byte():
    content = sealed(bytes(range(100)))
    assert is_sealed(content)
    for place in range(len(content)):
        changed = bytearray(content)
        changed[place] ^= 1
        assert not is_sealed(bytes(changed)), place
    for other in (b"", content[1:], content[:-1], content + b"\0", bytes(range(100))):
        assert not is_sealed(other)
