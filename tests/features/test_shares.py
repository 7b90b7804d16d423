"""Shares of a data set."""

import hashlib

import pytest

from mlff_cli.errors import UserError
from mlff_cli.features.shares import Share, share_of

CONTENTS = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(12_000)]


def slurm(task: int, count: int, first: int, **others: object) -> dict[str, str]:
    named = {"ID": task, "COUNT": count, "MIN": first, **others}
    return {f"SLURM_ARRAY_TASK_{name}": str(value) for name, value in named.items()}


def test_every_image_is_in_one_share_and_shares_are_alike():
    shares = [Share(number, 7) for number in range(1, 8)]
    held = [[share.holds(content) for share in shares] for content in CONTENTS]
    assert all(sum(by_share) == 1 for by_share in held)
    sizes = [sum(column) for column in zip(*held, strict=True)]
    expected = len(CONTENTS) / 7
    # Five standard deviations of what chance gives.
    assert all(abs(size - expected) < 5 * expected**0.5 for size in sizes)


def test_without_a_word_and_without_a_cluster_it_is_all():
    assert share_of(None, 0, {}) == Share(1, 1)
    assert all(map(Share().holds, CONTENTS[:100]))


@pytest.mark.parametrize(
    ("shard", "shards", "environment", "expected"),
    [
        ("1/1", 0, {}, "1/1"),
        ("3/3", 0, {}, "3/3"),
        ("3/3", 3, {}, "3/3"),
        (None, 0, slurm(0, 4, 0), "1/4"),
        (None, 0, slurm(13, 4, 10), "4/4"),
        (None, 4, slurm(13, 4, 10), "4/4"),
        (None, 0, slurm(16, 4, 10, STEP=2), "4/4"),
        (None, 20, {"JOB_COMPLETION_INDEX": "0"}, "1/20"),
        (None, 20, {"JOB_COMPLETION_INDEX": "19"}, "20/20"),
        # What is asked for counts more than what the cluster says.
        ("2/5", 0, slurm(13, 4, 10), "2/5"),
        ("2/5", 0, {"JOB_COMPLETION_INDEX": "7"}, "2/5"),
        ("2/5", 0, slurm(3, 2, 9), "2/5"),
    ],
)
def test_a_share_is_asked_for_or_told_by_the_cluster(shard, shards, environment, expected):
    assert str(share_of(shard, shards, environment)) == expected


@pytest.mark.parametrize(
    ("shard", "shards", "environment", "said"),
    [
        ("0/3", 0, {}, "counted from 1: shard=1/4"),
        ("4/3", 0, {}, "shard=4/3: expected i/N"),
        ("1", 0, {}, "shard=1: expected i/N"),
        ("a/b", 0, {}, "expected i/N"),
        ("-1/3", 0, {}, "expected i/N"),
        ("1/2/3", 0, {}, "expected i/N"),
        ("1/3", 4, {}, "shards=4, but shard=1/3 is one of 3"),
        (None, 4, {}, "does not say which of them"),
        (None, 5, slurm(13, 4, 10), "shards=5, but SLURM_ARRAY_TASK_ID=13 is one of 4"),
        (None, 0, {"JOB_COMPLETION_INDEX": "3"}, "give shards=<completions"),
        (None, 3, {"JOB_COMPLETION_INDEX": "3"}, "must be below shards=3"),
        (None, 3, {"JOB_COMPLETION_INDEX": "x"}, "JOB_COMPLETION_INDEX is 'x' and no number"),
        # --array=7,12 of what was --array=1-50: 12 is none of two.
        (None, 0, slurm(12, 2, 7), "shard=$SLURM_ARRAY_TASK_ID/<number of shares>"),
        (None, 0, slurm(11, 4, 10, STEP=2), "no places from 1 to 4"),
        (None, 0, {"SLURM_ARRAY_TASK_ID": "1"}, "SLURM_ARRAY_TASK_COUNT is not set"),
        (None, 0, slurm(1, 0, 1), "no places"),
    ],
)
def test_what_is_no_share_is_refused(shard, shards, environment, said):
    with pytest.raises(UserError) as refused:
        share_of(shard, shards, environment)
    assert said in str(refused.value)
