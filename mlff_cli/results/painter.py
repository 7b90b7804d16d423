"""A second process that draws a run's pictures: matplotlib is ready there when training ends."""

import atexit
import json
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict

from mlff_cli.results.pictures import Pictures, draw


class Painter:
    """Draws pictures beside this process, or in it where the other one is gone."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._due: Pictures | None = None

    def warm_up(self) -> None:
        """Start the process, unless it runs; it ends with this one."""
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "mlff_cli.results.painter"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
            atexit.register(_end, self._process)

    def begin(self, pictures: Pictures) -> None:
        """Have pictures drawn; `finish` waits for them."""
        self._due = pictures
        if self._process is not None and self._process.stdin is not None:
            with suppress(OSError):
                self._process.stdin.write(json.dumps(asdict(pictures)) + "\n")
                self._process.stdin.flush()

    def finish(self) -> None:
        """Return when the pictures are on the disk; what the other process could not do is done."""
        due, self._due = self._due, None
        if due is not None and not self._drawn(due.folder):
            draw(due)

    def _drawn(self, folder: str) -> bool:
        """Wait for the answer on a folder; others are left from runs that failed before theirs."""
        answers = self._process.stdout if self._process is not None else None
        for line in answers or ():
            answer = json.loads(line)
            if answer["folder"] == folder:
                return bool(answer["drawn"])
        return False


def _end(process: "subprocess.Popen[str]") -> None:
    """Let the process end by itself; nobody needs to wait for that."""
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with suppress(OSError):
                stream.close()


def main() -> None:
    """Draw what comes in, a line of JSON each, until nothing more can come."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the other process decides what Ctrl-C ends
    import matplotlib.backends.backend_agg
    import matplotlib.figure
    import matplotlib.font_manager  # noqa: F401 imported while there is time

    for line in sys.stdin:
        pictures = Pictures(**json.loads(line))
        try:
            draw(pictures)
            drawn = True
        except Exception:
            drawn = False  # the other process tries it, and says why it cannot be done
        print(json.dumps({"folder": pictures.folder, "drawn": drawn}), flush=True)


if __name__ == "__main__":
    main()
