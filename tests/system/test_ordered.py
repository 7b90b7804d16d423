import time

import pytest

from mlff_cli.system.ordered import in_order, working_threads


def test_results_come_in_the_order_of_their_items():
    def work(number):
        time.sleep(0.02 * (number % 3 == 0))
        return number * 10

    with working_threads(3) as threads:
        assert list(in_order(threads, work, range(7), ahead=4)) == list(range(0, 70, 10))
        assert list(in_order(threads, work, [], ahead=4)) == []


def test_items_are_taken_as_they_are_needed():
    taken = []
    with working_threads(1) as threads:
        results = in_order(threads, str, (taken.append(i) or i for i in range(100)), ahead=3)
        assert [next(results), next(results)] == ["0", "1"]
        assert len(taken) <= 5


def test_a_failure_comes_in_its_place_and_what_waits_is_dropped():
    done = []

    def work(number):
        if number == 2:
            raise ValueError("the third")
        if number > 2:
            time.sleep(0.05)
        done.append(number)
        return number

    found = []
    with pytest.raises(ValueError, match="the third"), working_threads(1) as threads:
        for number in in_order(threads, work, range(100), ahead=50):
            found.append(number)
    assert found == [0, 1] and len(done) < 60
