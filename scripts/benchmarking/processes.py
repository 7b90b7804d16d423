"""One process from its start to its exit: time, processor time, memory, and what it said."""

import math
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SAMPLING_SECONDS = 0.5
LIMIT_SECONDS = 3600.0
"""After which a process that hangs is killed."""


@dataclass(frozen=True)
class Measured:
    """What a process took.

    Attributes:
        seconds: From its start to its exit, or to the line that was waited for.
        cpu_seconds: Of itself and of the processes it started, both user and system.
        peak_memory_mib: Of the largest of these processes.
        together_mib: Of all of them at one moment, shared pages counted once, sampled; nan where
            it was not asked for or cannot be known.
    """

    seconds: float
    cpu_seconds: float
    peak_memory_mib: float
    together_mib: float


def measured(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    *,
    expected: int = 0,
    until: str = "",
    sampled: bool = False,
) -> Measured:
    """Run a command in a folder; with `until`, stop it at the first line that contains that.

    Raises:
        RuntimeError: It ended with another code than `expected`, or without the line.
    """
    with tempfile.TemporaryFile() as errors:
        started = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
        )
        memory = _Memory(process.pid) if sampled else None
        watch = threading.Timer(LIMIT_SECONDS, os.killpg, (process.pid, signal.SIGKILL))
        watch.start()
        seconds = None
        said: list[str] = []
        try:
            assert process.stdout is not None
            for line in process.stdout:
                said.append(line)
                if until and until in line and seconds is None:
                    seconds = time.perf_counter() - started
                    process.terminate()
            _, status, usage = os.wait4(process.pid, 0)
            ended = time.perf_counter() - started
            process.returncode = os.waitstatus_to_exitcode(status)
        finally:
            watch.cancel()
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            together = memory.stop() if memory else float("nan")
        errors.seek(0)
        complaint = errors.read().decode(errors="replace")
    failed = seconds is None if until else process.returncode != expected
    if failed:
        tail = "".join(said[-20:]) + complaint[-4000:]
        raise RuntimeError(f"{' '.join(command)}: exit code {process.returncode}\n{tail}")
    largest = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 2**20
    return Measured(
        ended if seconds is None else seconds,
        usage.ru_utime + usage.ru_stime,
        largest,
        together if math.isnan(together) else max(together, largest),
    )


class _Memory(threading.Thread):
    """Samples the memory of a session's processes together (Linux only)."""

    def __init__(self, session: int) -> None:
        super().__init__(daemon=True)
        self.session = session
        self.peak = float("nan")
        self.ended = threading.Event()
        self.start()

    def run(self) -> None:
        while not self.ended.wait(SAMPLING_SECONDS):
            used = sum(_proportional_kib(process) for process in self._processes())
            if used:
                self.peak = used / 1024 if math.isnan(self.peak) else max(self.peak, used / 1024)

    def stop(self) -> float:
        self.ended.set()
        self.join()
        return self.peak

    def _processes(self) -> list[Path]:
        found = []
        for status in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError, ValueError, IndexError):
                # The name in parentheses may hold anything, spaces and parentheses included.
                fields = status.read_text().rpartition(")")[2].split()
                if int(fields[3]) == self.session:
                    found.append(status.parent)
        return found


def _proportional_kib(process: Path) -> int:
    with suppress(OSError, ValueError):
        for line in (process / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0
