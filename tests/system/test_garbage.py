"""Cycles are looked for rarely while the program is imported, and as usual while it works."""

import gc
import subprocess
import sys

from mlff_cli.system import garbage


def test_while_working_cycles_are_found_and_old_objects_left_alone():
    before = gc.get_threshold()
    try:
        garbage.set_aside_once.cache_clear()
        garbage.while_importing()
        assert gc.get_threshold()[0] > 10 * garbage.USUAL[0]
        garbage.while_working()
        assert gc.get_threshold() == garbage.USUAL
        assert gc.get_freeze_count() > 1000
        cycle: list[object] = []
        cycle.append(cycle)
        del cycle
        assert gc.collect() > 0
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)


def test_output_is_whole_when_nothing_is_looked_at_at_the_end():
    code = "import sys\nfrom mlff_cli.cli.main import main\nmain(['--help'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.rstrip().endswith("--debug shows the traceback of an error.")
