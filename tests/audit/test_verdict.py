from mlff_cli.audit.verdict import sentence, sentences, verdict


def test_verdicts_in_words():
    clean, few, leaky = (verdict(200, copied, "test") for copied in (0, 12, 13))
    assert (clean.passed, few.passed, leaky.passed) == (True, True, False)
    assert sentence(clean) == "split: no near-duplicates between train and test"
    assert sentence(few).startswith("split: 12 of 200 test images (6.0%) have a near-duplicate")
    assert sentence(leaky).startswith("WARNING: the split leaks: 13 of 200 test images (6.5%)")


def test_nothing_scored_is_no_leak():
    assert sentence(verdict(0, 0, "validation")).endswith("between train and validation")


def test_the_worst_split_of_a_scenario_counts():
    clean, leaky = verdict(100, 0, "test"), verdict(100, 30, "test")
    assert sentences([("a", clean), ("a", clean), ("b", clean)]) == [sentence(clean)]
    assert sentences([("a", clean), ("b", leaky), ("b", clean)]) == [
        f"a: {sentence(clean)}",
        f"b: {sentence(leaky)}",
    ]
    assert sentences([]) == []
