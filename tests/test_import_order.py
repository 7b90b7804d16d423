"""The house: its rooms, and that imports go only down, without a circle."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "mlff_cli"

ORDER = (
    ("cli", "library"), ("commands",), ("sweeps",), ("runs",), ("trackers",), ("methods",),
    ("fusion", "heads"), ("audit",), ("features",), ("data",), ("images",), ("backbones",),
    ("results",), ("tasks",), ("metrics",), ("config",), ("system",), ("errors",),
)  # fmt: skip
"""Rooms from the top; a room imports only rooms of lines below its own."""

FLOOR = {room: number for number, rooms in enumerate(ORDER) for room in rooms}
LOOSE = {"__init__.py", "__main__.py", "errors.py", "py.typed"}
"""What lies beside the rooms."""


def name_of(file: Path) -> str:
    parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(file): file for file in sorted(PACKAGE.rglob("*.py"))}


def imported(module: str) -> set[str]:
    """Return the modules of the package that a module imports anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: imports are absolute"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found.add(inner if inner in MODULES else str(node.module))
    return {name for name in found if name in MODULES and name != module}


def room(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def test_nothing_lies_loose_beside_the_rooms():
    names = {path.name for path in PACKAGE.iterdir() if path.name != "__pycache__"}
    assert names == LOOSE | {name for name in FLOOR if name != "errors"}


@pytest.mark.parametrize("module", MODULES)
def test_imports_go_down(module):
    if room(module) not in FLOOR:
        return  # the package's own face and __main__, which starts it all
    wrong = {
        other
        for other in imported(module)
        if room(other) in FLOOR
        and room(other) != room(module)
        and FLOOR[room(other)] <= FLOOR[room(module)]
    }
    assert not wrong, f"{module} imports {', '.join(sorted(wrong))}"


def test_no_imports_run_in_a_circle():
    try:
        # The package's own face imports the library's names for type checkers alone.
        rooms = {module: imported(module) for module in MODULES if "." in module}
        TopologicalSorter(rooms).prepare()
    except CycleError as error:
        pytest.fail(f"circle: {' -> '.join(error.args[1])}")


def test_every_folder_of_the_package_says_what_it_is():
    for folder in {file.parent for file in MODULES.values()}:
        text = (folder / "__init__.py").read_text(encoding="utf-8")
        assert ast.get_docstring(ast.parse(text)), folder
