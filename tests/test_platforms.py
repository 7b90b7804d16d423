"""What other systems lack is imported nowhere, or only where it is there."""

import ast
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from mlff_cli.system import environment

PACKAGE = Path(__file__).resolve().parents[1] / "mlff_cli"
POSIX_ALONE = {"fcntl", "grp", "pty", "pwd", "resource", "termios", "tty", "syslog"}


def at_import(tree):
    """Yield the names that a module imports as soon as it is imported itself."""
    for node in tree.body:
        match node:
            case ast.Import():
                yield from (alias.name for alias in node.names)
            case ast.ImportFrom(module=str(module)):
                yield module


@pytest.mark.parametrize("file", sorted(PACKAGE.rglob("*.py")), ids=lambda file: file.stem)
def test_no_module_needs_what_windows_lacks(file):
    assert not set(at_import(ast.parse(file.read_text(encoding="utf-8")))) & POSIX_ALONE


def test_peak_memory_is_known_without_proc_and_without_resource(monkeypatch):
    class Windows:
        @staticmethod
        def memory_info():
            return type("Info", (), {"peak_wset": 512 * 2**20})()

    monkeypatch.setattr(environment, "Path", lambda _: Path("/there/is/no/proc"))
    assert environment.peak_memory_mib() > 10
    monkeypatch.setattr(environment.sys, "platform", "win32")
    monkeypatch.setitem(sys.modules, "resource", None)
    monkeypatch.setattr(psutil, "Process", Windows)
    assert environment.peak_memory_mib() == 512


def test_help_comes_without_the_modules_that_windows_lacks():
    program = (
        f"import sys; sys.modules.update(dict.fromkeys({sorted(POSIX_ALONE)!r}));"
        "from mlff_cli.cli.main import main; main(['--help'])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
