"""docs/configuration.md: what scripts/config_reference writes now, and nothing is missing in it."""

import importlib.util
import re
from pathlib import Path

import pytest

from mlff_cli.cli.table import every_command
from mlff_cli.config.schema import flatten
from mlff_cli.config.shipped import SECTION_OF, choices, configs_folder, groups, shipped

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "configuration.md"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location(
        "config_reference", ROOT / "scripts" / "config_reference.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def page():
    return PAGE.read_text(encoding="utf-8")


def rows(page):
    """Return the cells of every row by its key."""
    lines = re.findall(r"^\| `([\w.]+)`.*$", page, flags=re.MULTILINE)
    assert lines
    return set(lines)


def test_the_page_is_what_the_script_writes(script, page):
    assert script.page() == page, "configs/ changed: scripts/config_reference writes the page anew"


@pytest.mark.parametrize("group", [group for group in groups() if group in SECTION_OF])
def test_every_key_of_every_choice_is_there(page, group):
    named = rows(page)
    for choice in choices(group):
        assert f"#### {choice}\n" in page
        keys = {key for key, _ in flatten(shipped(f"{group}/{choice}"), f"{SECTION_OF[group]}.")}
        assert keys - named <= {f"{SECTION_OF[group]}.name"}


def test_every_command_with_its_keys_is_there(page):
    named = rows(page)
    for name, command in every_command().items():
        if command.config is not None:
            assert f"mlff {name}" in page
            assert {key for key, _ in flatten(shipped(command.config))} <= named, name


def test_every_file_of_a_choice_is_there(page):
    for file in configs_folder().glob("*/*.yaml"):
        assert re.search(rf"^(#### |\| `){file.stem.lstrip('_')}\b", page, flags=re.MULTILINE), file


def test_a_row_says_default_values_comment_and_whether_it_changes_results(page):
    lines = page.splitlines()
    (epochs, *_) = [line for line in lines if line.startswith("| `method.epochs`")]
    assert epochs.count(" | ") == 3 and "1 or more" in epochs
    assert "| `trainer.workers` † | `-1` | -1 or more | Processes that decode" in page
    assert "from 0, below 1, or null" in page
    assert all(line.count(" | ") in (2, 3) for line in lines if line.startswith("| `"))


def test_a_changed_default_and_a_new_key_change_the_page(script, page, tmp_path, monkeypatch):
    import shutil

    from mlff_cli.config import shipped as module

    copied = shutil.copytree(configs_folder(), tmp_path / "configs")
    file = copied / "method" / "mlff.yaml"
    text = file.read_text(encoding="utf-8").replace("epochs: 20", "epochs: 21")
    file.write_text(f"{text}# Something new.\nnovel: 1  # 0 or more\n", encoding="utf-8")
    for place in (script, module):
        monkeypatch.setattr(place, "configs_folder", lambda: copied)
    changed = set(script.page().splitlines()) - set(page.splitlines())
    assert changed == {
        "| `method.epochs` | `21` | 1 or more | Passes over an experience's training images. |",
        "| `method.novel` | `1` | 0 or more | Something new. |",
    }
