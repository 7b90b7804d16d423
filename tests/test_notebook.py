"""The notebook in examples: a notebook, small, without outputs, and it runs from top to bottom."""

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).resolve().parents[1] / "examples" / "own_images.ipynb"


@pytest.fixture
def notebook():
    return nbformat.read(NOTEBOOK, as_version=4)


def test_it_is_a_small_notebook_without_outputs(notebook):
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)
    assert NOTEBOOK.stat().st_size < 10_000
    assert max(len(line) for cell in code for line in cell.source.splitlines()) <= 100


def test_its_links_lead_to_files(notebook):
    for cell in notebook.cells:
        for link in re.findall(r"\]\((?!https?:)([^)]+)\)", cell.source):
            assert (NOTEBOOK.parent / link).exists(), link


def text(cell):
    return "".join(
        output.get("text", "") or output.data.get("text/plain", "") for output in cell.outputs
    )


def test_it_runs_from_top_to_bottom(notebook, tmp_path, monkeypatch):
    for name in ("MLFF_CACHE", "IPYTHONDIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name))
    folder = tmp_path / "in here"
    folder.mkdir()
    asked = nbformat.v4.new_code_cell(
        "print([*answers['product'], *answers['label'], *answers['decision']],"
        "network.outputs[network(pixels[None])[0].argmax()])"
    )
    notebook.cells.append(asked)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": folder}}).execute()
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    streams = [output for cell in code for output in cell.outputs if output.output_type == "stream"]
    assert {stream.name for stream in streams} == {"stdout"}  # no warning, no progress bar
    said = "\n".join(map(text, code))
    assert "split: no near-duplicates between train and test" in said
    assert "the old product answers as before: True" in said
    assert text(code[-1]) == (
        "['washer', 'washer', 'nut', 'good', 'scratch', 'scratch', 'ok', 'defect', 'defect'] "
        "scratch\n"
    )
    assert any("image/png" in output.get("data", {}) for cell in code for output in cell.outputs)
    assert {path.name for path in folder.iterdir()} == {"images", "more", "runs"}
