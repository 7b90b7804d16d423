"""Worker processes that decode ahead."""

import os
import subprocess
import sys

CODE = """
import numpy as np
from pathlib import Path
from PIL import Image
from mlff_cli.data.files import FileImage
from mlff_cli.images.loading import image_batches

sources = []
for number in range(6):
    Image.fromarray(np.full((8, 8, 3), number, np.uint8)).save(f"{number}.png")
    sources.append(FileImage(Path(f"{number}.png")))
print(*(int(image.max()) for batch in image_batches(sources, 8, 2, 1) for image in batch))
"""


def test_a_long_temporary_folder_does_not_keep_images_from_arriving(tmp_path):
    folder = tmp_path / ("t" * 90)
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", CODE],
        cwd=tmp_path,
        env={**os.environ, "TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("0 1 2 3 4 5\n", "")
