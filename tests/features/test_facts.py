from mlff_cli.backbones.levels import LevelInfo
from mlff_cli.backbones.resnet18 import ResNet18
from mlff_cli.features.facts import BackboneFacts, keep_facts, known_facts

FACTS = BackboneFacts((LevelInfo("layer1", 64, 4), LevelInfo("layer4", 512, 32)), 11_000_000)


def recipe(size=64):
    return ResNet18(image_size=size, weights=__file__, levels=[])


def test_facts_are_found_again_by_the_fingerprint(tmp_path):
    assert known_facts(recipe(), tmp_path) is None
    keep_facts(FACTS, recipe(), tmp_path)
    assert known_facts(recipe(), tmp_path) == FACTS
    assert known_facts(recipe(65), tmp_path) is None


def test_without_a_folder_nothing_is_kept(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    keep_facts(FACTS, recipe(), None)
    assert known_facts(recipe(), None) is None
    assert list(tmp_path.iterdir()) == []


def test_damaged_facts_are_not_believed(tmp_path):
    keep_facts(FACTS, recipe(), tmp_path)
    (file,) = tmp_path.rglob("*.json")
    whole = file.read_text(encoding="utf-8")
    for content in ("", whole[:30], "[]", '{"levels": "a", "parameters": 1}', '{"levels": []}'):
        file.write_text(content, encoding="utf-8")
        assert known_facts(recipe(), tmp_path) is None
    keep_facts(FACTS, recipe(), tmp_path)
    assert known_facts(recipe(), tmp_path) == FACTS
    assert list(file.parent.iterdir()) == [file]
