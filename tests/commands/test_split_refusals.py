"""What cannot be trained and scored is refused alike by ``train`` and by ``data check``."""

import pytest
from command_calls import call, refusal
from PIL import Image
from tiny_task import picture

COMMON = ("dataset=csv", "data.image_size=32", "trainer.workers=0", "task=custom")
BOTH = [("train", "method.epochs=1"), ("data", "check")]


def manifest(root, batches, size=3):
    """Write a manifest of batches, each of so many groups of two classes, and its images."""
    rows = ["path,label,batch,group"]
    for batch, groups in batches.items():
        for group in range(groups):
            for image in range(size):
                name = f"{batch}_{group}_{image}.png"
                Image.fromarray(picture(seed=len(rows))).save(root / name)
                label = "pit" if image == 0 else "good"
                rows.append(f"{name},{label},{batch},{batch}{group}")
    path = root / "list.csv"
    path.write_text("\n".join(rows) + "\n")
    return path


@pytest.mark.parametrize("command", BOTH)
def test_a_batch_of_one_group_is_refused_with_its_counts_and_what_helps(command, empty, tmp_path):
    file = manifest(tmp_path, {"friday": 1, "monday": 3})
    said = refusal(*command, *COMMON, "schedule=by_batch", f"data.file={file}")
    assert "batch 'friday' cannot be tested: its 3 images are all of the one group" in said
    assert "monday" not in said and "column `group`" in said and "column `split`" in said
    assert list(empty.iterdir()) == []


@pytest.mark.parametrize("command", BOTH)
def test_a_split_that_is_switched_off_is_not_scored(command, empty, tmp_path):
    file = manifest(tmp_path, {"monday": 4})
    words = ("splits.validation=0", "splits.scored=validation")
    said = refusal(*command, *COMMON, *words, f"data.file={file}")
    assert said.startswith("splits.scored=validation with splits.validation=0: no image would be")
    assert list(empty.iterdir()) == []


def test_eleven_groups_in_three_batches_print_a_score_for_each(empty, tmp_path):
    file = manifest(tmp_path, {"friday": 3, "monday": 4, "tuesday": 4})
    result = call(
        "train", *COMMON, "schedule=by_batch", f"data.file={file}", "method.epochs=1", "seed=3"
    )
    assert result.code == 0, result.err
    (matrix,) = empty.glob("runs/custom/*/matrix.csv")
    last = [line for line in matrix.read_text().splitlines() if "accuracy" in line]
    assert all(f"{batch}" in "".join(last) for batch in ("monday", "tuesday", "friday"))
