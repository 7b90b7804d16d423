import errno
import os

import pytest
import torch

from mlff_cli.errors import UserError
from mlff_cli.system.failures import explained, is_out_of_memory


def raised(action) -> Exception:
    with pytest.raises(Exception) as caught:
        action()
    return caught.value


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_the_users_to_mend(number):
    said, code = explained(OSError(number, os.strerror(number), "runs/matrix.csv"))
    assert said.startswith("runs/matrix.csv: no space is left")
    assert code == 2


def test_any_other_word_of_the_system_names_the_file(tmp_path):
    said, code = explained(raised((tmp_path / "gone").read_text))
    assert said.startswith(f"{tmp_path / 'gone'}: cannot be read or written (No such file")
    assert code == 2


def test_memory_that_runs_out_is_known_in_every_form():
    everything = 1 << 60
    assert is_out_of_memory(raised(lambda: torch.empty(everything, dtype=torch.uint8)))
    assert is_out_of_memory(raised(lambda: bytearray(everything)))
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"))
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    assert not is_out_of_memory(ValueError("out of memory"))
    said, code = explained(MemoryError())
    assert "method.batch_size" in said
    assert code == 2


def test_a_bug_is_named_with_its_place():
    from mlff_cli.results.labels import shortened

    said, code = explained(raised(lambda: shortened(None, 3)))
    assert said.startswith("internal error, AttributeError")
    assert "(labels.py, line" in said
    assert code == 1
    assert "\n" not in explained(ValueError("one\ntwo"))[0]
    assert "no message" in explained(ValueError())[0]


def test_a_message_for_the_user_stays_as_it_is():
    assert explained(UserError("a: is wrong")) == ("a: is wrong", 2)
