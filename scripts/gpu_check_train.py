"""Commands of mlff in one process, and what they took on the GPU at most.

usage: gpu_check_train.py <JSON: a list of lists of words> <file for the peak in MiB>
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


def main(commands: str, file: str) -> int:
    """Carry out the commands; return the code of the first that fails, else 0."""
    from mlff_cli.cli.main import main as mlff

    for words in json.loads(commands):
        try:
            mlff(words)
        except SystemExit as leaving:
            if leaving.code:
                return int(leaving.code)
    import torch

    peak = torch.cuda.max_memory_allocated() / 2**20 if torch.cuda.is_available() else 0.0
    Path(file).write_text(json.dumps(peak), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
