"""Tab completion in the shells themselves: started on a terminal, with keys pressed."""

import json
import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import time

import pytest
from command_calls import call

from mlff_cli.cli.shells import INSTALLED, SCRIPTS

PROMPT = "READY>"

LINE = {shell: line.partition(": ")[2] for shell, line in INSTALLED.items()}

START = {
    "bash": (".bashrc", "PS1='READY>'\n{line}", ["bash", "--rcfile", "{home}/.bashrc", "-i"]),
    "zsh": (".zshrc", "autoload -U compinit; compinit -u -D\n{line}", ["zsh", "-d", "-i"]),
    "fish": (".config/fish/config.fish", "function fish_prompt; echo 'READY>'; end\n{line}",
             ["fish", "-i"]),
}  # fmt: skip
"""Shell -> its start-up file, what stands in it, and how it is started."""

MLFF = """\
#!{python}
import json, sys
if sys.argv[1:2] == ["completion"]:
    from mlff_cli.cli.main import main
    main()
with open({record!r}, "a") as file:
    file.write(json.dumps(sys.argv[1:]) + "\\n")
"""
"""A program that completes as mlff does, and notes everything else that it is called with."""

TYPED = {
    "mlff tra\tfusion=aut\t": ["train", "fusion=authors"],
    "mlff feat\tpru\tdamag\tfal\t": ["features", "prune", "damaged=false"],
    "mlff train --cfg jo\t--reso\t": ["train", "--cfg", "job", "--resolve"],
    "mlff verify runs/so\t2\t": ["verify", "runs/solar plant/mlff-22"],
    "mlff train from=runs/so\t2\t": ["train", "from=runs/solar plant/mlff-22"],
    "mlff train --config-dir own fusion=nar\t": ["train", "--config-dir", "own", "fusion=narrow"],
    "mlff train data.root=ima\t": ["train", "data.root=images.csv"],
    "mlff predict runs/x ima\t": ["predict", "runs/x", "images.csv"],
    "mlff sweep method=mlff,jo\t": ["sweep", "method=mlff,joint"],
}
"""Keys pressed, and what the program is called with then."""


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A folder with two runs, own configs and a file; mlff is a program on the path."""
    for run in ("mlff-11", "mlff-22"):
        (tmp_path / "runs" / "solar plant" / run).mkdir(parents=True)
        (tmp_path / "runs" / "solar plant" / run / "DONE").write_text("")
    (tmp_path / "own" / "fusion").mkdir(parents=True)
    (tmp_path / "own" / "fusion" / "narrow.yaml").write_text("# Narrow.\nname: conv1x1\n")
    (tmp_path / "images.csv").write_text("")
    program = tmp_path / "bin" / "mlff"
    program.parent.mkdir()
    program.write_text(MLFF.format(python=sys.executable, record=str(tmp_path / "called")))
    program.chmod(0o755)
    places = {"HOME": tmp_path, "ZDOTDIR": tmp_path, "XDG_CONFIG_HOME": tmp_path / ".config",
              "XDG_DATA_HOME": tmp_path / ".local"}  # fmt: skip
    for name, place in places.items():
        monkeypatch.setenv(name, str(place))
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("PS1", PROMPT)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.chdir(tmp_path)
    return tmp_path


class Terminal:
    """A shell on a terminal."""

    def __init__(self, words):
        self.shown = ""
        self.process, self.master = pty.fork()
        if self.process == 0:
            os.execvp(words[0], words)

    def press(self, keys):
        os.write(self.master, keys.encode())

    def until(self, condition, seconds=60):
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, self.shown
            if select.select([self.master], [], [], 0.05)[0]:
                self.shown += os.read(self.master, 4096).decode(errors="replace")

    def close(self):
        os.kill(self.process, signal.SIGKILL)
        os.waitpid(self.process, 0)
        os.close(self.master)


def begun(shell, home):
    """Start a shell whose start-up file holds the line that `mlff completion` advises."""
    name, content, words = START[shell]
    file = home / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content.format(line=LINE[shell]) + "\n")
    terminal = Terminal([word.format(home=home) for word in words])
    terminal.until(lambda: PROMPT in terminal.shown)
    return terminal


@pytest.mark.parametrize("shell", START)
def test_keys_pressed_become_words(shell, home):
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    called = home / "called"
    terminal = begun(shell, home)
    try:
        for number, keys in enumerate(TYPED, start=1):
            terminal.press(f"{keys}\r")
            terminal.until(lambda n=number: called.exists() and len(calls(called)) == n)
    finally:
        terminal.close()
    assert calls(called) == list(TYPED.values())


def calls(file):
    return [json.loads(line) for line in file.read_text().splitlines() if line.endswith("]")]


@pytest.mark.parametrize("shell", SCRIPTS)
def test_a_shell_can_read_its_script(shell, tmp_path):
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    script = tmp_path / "script"
    script.write_text(call("completion", shell).out)
    assert script.read_text() == SCRIPTS[shell]
    done = subprocess.run([shell, "-n", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_zsh_reads_bash_s_script_of_an_earlier_version():
    """`mlff completion --complete <line>`, as shells were told before, still answers."""
    assert call("completion", "--complete", "mlff train fusion=aut").out == "authors \n"
