"""Which images are one machine's, where several compute the features of one data set."""

from collections.abc import Mapping
from dataclasses import dataclass

from mlff_cli.errors import UserError

SLURM, KUBERNETES = "SLURM_ARRAY_TASK", "JOB_COMPLETION_INDEX"
"""What variables begin with that tell a task of a Slurm array which one it is; what tells a pod."""


@dataclass(frozen=True)
class Share:
    """One of `count` parts of a data set.

    Attributes:
        number: From 1.
        told_by: What said so.
    """

    number: int = 1
    count: int = 1
    told_by: str = ""

    def holds(self, content: str) -> bool:
        """Return whether an image with that content hash (64 hex digits) belongs to it.

        The hash alone decides: copies are in one share, images that come or go move no other one,
        and machines need not agree on paths or on an order.
        """
        return int(content[:16], 16) % self.count == self.number - 1

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"


def share_of(shard: str | None, shards: int, environment: Mapping[str, str]) -> Share:
    """Return the share that is asked for, else the one that a cluster has given this process.

    Args:
        shard: ``i/N``, i from 1; None: the environment tells it, and without that it is all.
        shards: N, where the environment tells i alone; 0: not said.
        environment: Variables of the process.

    Raises:
        UserError: There is no such share, or N is not known, or told in two ways.
    """
    if shard is not None:
        share = _asked(shard)
    elif f"{SLURM}_ID" in environment:
        share = _of_slurm_array(environment)
    elif KUBERNETES in environment:
        share = _of_indexed_job(environment, shards)
    elif shards:
        raise UserError(
            f"shards={shards} does not say which of them is wanted, and no cluster says it "
            f"({SLURM}_ID, {KUBERNETES}); give shard=1/{shards} and so on"
        )
    else:
        share = Share()
    if shards not in (0, share.count):
        raise UserError(
            f"shards={shards}, but {share.told_by} is one of {share.count}; leave shards= away"
        )
    return share


def _asked(shard: str) -> Share:
    number, _, count = shard.partition("/")
    if number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count):
        return Share(int(number), int(count), f"shard={shard}")
    raise UserError(
        f"shard={shard}: expected i/N, the i-th of N shares, counted from 1: shard=1/4, shard=2/4, "
        "shard=3/4, shard=4/4"
    )


def _of_slurm_array(environment: Mapping[str, str]) -> Share:
    """Return the place of a task in its array: of --array=10-19, task 12 is the third of ten."""
    task, count, first = (
        _number(f"{SLURM}_{name}", environment) for name in ("ID", "COUNT", "MIN")
    )
    step = _number(f"{SLURM}_STEP", environment) if f"{SLURM}_STEP" in environment else 1
    place, rest = divmod(task - first, max(step, 1))
    if rest or not 0 <= place < count:
        raise UserError(
            f"{SLURM}_ID={task} of {count} tasks from {first} in steps of {step}: the tasks have "
            f"no places from 1 to {count}, as where some are submitted again; give "
            f"shard=${SLURM}_ID/<number of shares>"
        )
    return Share(place + 1, count, f"{SLURM}_ID={task}")


def _of_indexed_job(environment: Mapping[str, str], shards: int) -> Share:
    index = _number(KUBERNETES, environment)
    if not shards:
        raise UserError(
            f"{KUBERNETES}={index} does not say of how many; give shards=<completions of the job>"
        )
    if index >= shards:
        raise UserError(
            f"{KUBERNETES}={index} is counted from 0 and must be below shards={shards}; give "
            "shards=<completions of the job>"
        )
    return Share(index + 1, shards, f"{KUBERNETES}={index}")


def _number(name: str, environment: Mapping[str, str]) -> int:
    text = environment.get(name, "")
    if not text.isdecimal():
        found = f"is '{text}' and no number" if text else "is not set"
        raise UserError(f"{name} {found}; give shard=i/N instead")
    return int(text)
