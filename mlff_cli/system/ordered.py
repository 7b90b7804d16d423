"""Work that several threads do, whose results come in order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


@contextmanager
def working_threads(count: int) -> Iterator[Executor]:
    """Give so many threads; what they have not begun when it ends is not done any more."""
    threads = ThreadPoolExecutor(count)
    try:
        yield threads
    finally:
        threads.shutdown(cancel_futures=True)


def in_order(
    threads: Executor, work: Callable[[Item], Result], items: Iterable[Item], ahead: int
) -> Iterator[Result]:
    """Yield what the work makes of each item, while threads work on so many items ahead.

    Unlike `Executor.map` it takes no more items than that, so what waits stays small.

    Raises:
        Exception: Whatever the work raises, at the place of its item.
    """
    waiting: deque[Future[Result]] = deque()
    for item in items:
        waiting.append(threads.submit(work, item))
        if len(waiting) > ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()
