"""The names of the library: loaded when used, the same for type checkers, listed in one place."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from command_calls import HEAVY

import mlff_cli

ROOT = Path(__file__).resolve().parents[2]


def test_importing_the_package_loads_nothing():
    code = (
        "import sys, mlff_cli; dir(mlff_cli);"
        "print([name for name in sys.modules if name.startswith('mlff_cli.')],"
        f"sorted({HEAVY!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[] []\n"


@pytest.mark.parametrize("name", mlff_cli.__all__)
def test_every_name_is_there_and_documented(name):
    value = getattr(mlff_cli, name)
    assert name in dir(mlff_cli)
    assert name == "__version__" or value.__doc__


def test_a_wrong_name_is_none():
    with pytest.raises(AttributeError, match=r"module 'mlff_cli' has no attribute 'trian'"):
        _ = mlff_cli.trian
    with pytest.raises(ImportError):
        exec("from mlff_cli import trian")


def test_type_checkers_see_the_same_names():
    tree = ast.parse(Path(mlff_cli.__file__).read_text(encoding="utf-8"))
    seen = {
        alias.name: node.module
        for block in tree.body
        if isinstance(block, ast.If) and isinstance(block.test, ast.Name)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == {name: f"mlff_cli.{home}" for name, home in mlff_cli._HOME.items()}
    assert sorted([*seen, "__version__"]) == mlff_cli.__all__


def test_the_page_lists_the_names_and_no_others():
    page = (ROOT / "docs" / "library.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `(\w+)[(`]", page, flags=re.MULTILINE)
    assert sorted([*listed, "__version__"]) == mlff_cli.__all__


def test_the_page_lists_what_a_run_has_and_nothing_else():
    page = (ROOT / "docs" / "library.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`run\.(\w+)", page))
    public = {name for name in vars(mlff_cli.Run) if not name.startswith("_")}
    assert named == public | {"folder", "config"}


def test_the_example_of_the_page_runs(tmp_path, monkeypatch, capsys):
    page = (ROOT / "docs" / "library.md").read_text(encoding="utf-8")
    assert len(page.splitlines()) <= 80
    (example,) = re.findall(r"^```python\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)
    monkeypatch.chdir(tmp_path)
    exec(example, {})
    said = capsys.readouterr().out
    assert "glazed_ceramic" in said and "image 0" in said
