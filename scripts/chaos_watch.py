"""`mlff predict --watch`, killed while images arrive: each must be answered once, as without."""

import csv
import math
import os
import random
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from chaos_commands import PLACES, SAID, TASK, carried_out, start

PRODUCT = "woven_fabric"
IMAGES = 40
PACE = 0.1
"""Seconds from an image to the next one while nothing is killed."""
NEW, TOLD = "new", "told.csv"
LIMIT_SECONDS = 600.0
SAME = ("content", "product", "label", "decision", "problem")

Rows = list[dict[str, str]]


@dataclass
class Watching:
    """A predictor that watches a folder, killed and started again while images arrive there.

    Attributes:
        run: The run that it predicts with; there after `uninterrupted`, as is what follows.
        pool: The folder of the images that arrive.
        plain: What `mlff predict` says of each of them, by name.
    """

    run: Path = Path()
    pool: Path = Path()
    plain: dict[str, dict[str, str]] = field(default_factory=dict)

    def uninterrupted(self, folder: Path) -> float:
        """Train, predict the images plainly, and watch them arrive once without any kill."""
        carried_out(["train", *TASK, "method.epochs=2", *PLACES], folder)
        self.run = next(folder.glob("runs/*/*/DONE")).parent
        self.pool = _drawn(folder / "pool")
        process = start(self._words("pool", "output=plain.csv"), folder)
        os.waitpid(process, 0)  # exit code 1: one of the images is damaged
        self.plain = {Path(row["path"]).name: row for row in _rows(folder / "plain.csv")}
        started = time.monotonic()
        _, said, right = self._watched(folder / "watched", [], PACE, random.Random(0))
        if not right:
            sys.exit(f"watch: fails without any kill: {said}")
        return time.monotonic() - started

    def broken_off(
        self, folder: Path, seconds: float, most: int, moments: random.Random
    ) -> tuple[int, str, bool]:
        """Kill it so many times while images arrive; as `Command.broken_off`."""
        lives = [moments.uniform(0.0, seconds) for _ in range(most)]
        return self._watched(folder, lives, sum(lives) / IMAGES, moments)

    def _watched(
        self, folder: Path, lives: Sequence[float], pace: float, moments: random.Random
    ) -> tuple[int, str, bool]:
        """Let the images arrive, and kill one process after the other when its life is over.

        Returns:
            The kills, what is said of the answers, and whether they are right.
        """
        coming = sorted(self.pool.iterdir())
        moments.shuffle(coming)
        (folder / NEW).mkdir(parents=True)
        left, process, kills = list(lives), self._start(folder), 0
        started = born = time.monotonic()
        while coming or left or not _is_done(folder):
            if coming:
                _arrive(coming.pop(), folder / NEW, slowly=moments.random() < 0.5)
            time.sleep(moments.uniform(0, 2 * pace) if coming else 0.05)
            if os.waitpid(process, os.WNOHANG)[0] or time.monotonic() - started > LIMIT_SECONDS:
                return kills, f"LOST: it ended, or hung: {(folder / SAID).read_text()}", False
            if left and time.monotonic() - born >= left[0]:
                os.kill(process, signal.SIGKILL)
                os.waitpid(process, 0)
                left.pop(0)
                kills += 1
                process, born = self._start(folder), time.monotonic()
        os.kill(process, signal.SIGTERM)
        _, status = os.waitpid(process, 0)
        code = os.waitstatus_to_exitcode(status)
        if code != 128 + signal.SIGTERM:
            return kills, f"LOST: exit code {code}: {(folder / SAID).read_text()}", False
        wrong = self._wrong(_rows(folder / TOLD))
        return kills, wrong or f"{IMAGES} images answered once each, as without", not wrong

    def _start(self, folder: Path) -> int:
        (folder / SAID).unlink(missing_ok=True)  # of the one before
        return start(self._words("--watch", NEW, "interval=0.02", "settle=0.1"), folder)

    def _words(self, *words: str) -> list[str]:
        output = () if any(word.startswith("output=") for word in words) else (f"output={TOLD}",)
        return ["predict", str(self.run), *words, *output, f"product={PRODUCT}",
                "trainer.device=cpu", "trainer.workers=1"]  # fmt: skip

    def _wrong(self, rows: Rows) -> str:
        """Return what is wrong with the answers; "" where nothing is."""
        counts = Counter(Path(row["path"]).name for row in rows)
        if counts != Counter(self.plain.keys()):
            return f"LOST: not each image once: {counts}"
        for row in rows:
            if not _is_same(row, self.plain[Path(row["path"]).name]):
                return f"LOST: another answer than without: {row}"
        return ""


def _is_done(folder: Path) -> bool:
    """Whether all images are answered, and the process has come so far that it hears signals."""
    said = folder / SAID
    hears = said.exists() and "watching" in said.read_text(encoding="utf-8")
    return hears and len(_rows(folder / TOLD, whole=False)) >= IMAGES


def _is_same(row: Mapping[str, str], plain: Mapping[str, str]) -> bool:
    """Whether an answer is the plain one, scores as nearly as images of other batches leave it."""
    scores = [name for name in row if name.startswith("score ")]
    alike = all(
        math.isclose(float(row[name] or "nan"), float(plain[name] or "nan"), abs_tol=1e-5)
        or row[name] == plain[name]
        for name in scores
    )
    # Where a file is damaged the plain answer leaves its hash out.
    return alike and all(row[name] == plain[name] or not plain["content"] for name in SAME)


def _rows(file: Path, *, whole: bool = True) -> Rows:
    """Return the lines of a file of answers; `whole`: any that is not is an error."""
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    lines = text[: text.rfind("\n") + 1]
    if whole and lines != text:
        raise ValueError(f"{file}: its last line is not whole")
    return list(csv.DictReader(lines.splitlines(), strict=True))


def _drawn(folder: Path) -> Path:
    """Draw the images: of every class, one twice under two names, one damaged."""
    from PIL import Image

    from mlff_cli.data.surfaces import PRODUCTS, draw

    folder.mkdir()
    labels = PRODUCTS[PRODUCT].CLASSES
    for number in range(IMAGES - 2):
        pixels = draw(9, PRODUCT, labels[number % len(labels)], number, 32)
        Image.fromarray(pixels).save(folder / f"{number:02d}.png")
    shutil.copy(folder / "00.png", folder / "00, again.png")
    (folder / "damaged.png").write_bytes((folder / "01.png").read_bytes()[:150])
    return folder


def _arrive(file: Path, folder: Path, *, slowly: bool) -> None:
    """Let a file arrive: renamed when it is whole, or written in two halves."""
    content = file.read_bytes()
    target = folder / file.name
    if not slowly:
        shutil.copy(file, folder / f".{file.name}.part")
        (folder / f".{file.name}.part").rename(target)
        return
    with target.open("wb") as written:
        written.write(content[: len(content) // 2])
        written.flush()
        time.sleep(0.03)
        written.write(content[len(content) // 2 :])
