"""docs/plug_ins.md: its code is the example's, its table names what there is, its words hold."""

import re
from importlib import import_module
from pathlib import Path

from command_calls import call
from outside_packages import EXAMPLE, write_files

from mlff_cli.config.plug_ins import ENTRY_POINTS

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs/plug_ins.md").read_text(encoding="utf-8")
FILES = [file for file in EXAMPLE.rglob("*") if file.suffix in (".py", ".toml", ".yaml")]


def test_the_page_is_short():
    assert len(PAGE.splitlines()) <= 60


def test_every_block_of_code_is_of_the_example():
    blocks = re.findall(r"^```(?:python|toml|yaml)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    texts = [file.read_text(encoding="utf-8") for file in FILES]
    assert len(blocks) == 3
    assert all(any(block in text for text in texts) for block in blocks)


def test_a_method_takes_no_more_lines_than_the_page_says():
    text = (EXAMPLE / "mlff_nearest_class_mean/method.py").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.strip() and '"""' not in line]
    assert len(lines) <= 40


def test_every_group_and_every_base_class_is_named():
    assert all(f"`{group}`" in PAGE for group in ENTRY_POINTS.values())
    for name in re.findall(r"`mlff_cli\.([\w.]+)\.([A-Z]\w+)`", PAGE):
        assert getattr(import_module(f"mlff_cli.{name[0]}"), name[1])
    assert len(re.findall(r"`mlff_cli\.", PAGE)) == 6


def test_the_method_does_as_a_file_of_ones_own(tmp_path, monkeypatch):
    code = (EXAMPLE / "mlff_nearest_class_mean/method.py").read_text(encoding="utf-8")
    configs = EXAMPLE / "mlff_nearest_class_mean/configs"
    described = (configs / "method/nearest_class_mean.yaml").read_text(encoding="utf-8")
    described = described.replace("name: nearest_class_mean", "name: own_mean")
    files = {"method/own_mean.py": code, "method/own_mean.yaml": described}
    write_files(tmp_path / "my", files)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFF_CACHE", str(tmp_path / "cache"))
    words = "train method=own_mean --config-dir my"
    assert f"`mlff {words}`" in PAGE
    tiny = ("data.image_size=32", "data.images_per_class=5", "trainer.device=cpu")
    result = call(*words.split(), *tiny)
    assert result.code == 0 and "own_mean" in result.out, result.err
