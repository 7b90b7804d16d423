"""What a command asks of decisions, and what it leaves as it was."""

from mlff_cli.runs.deciding import DecisionSettings


def asked(threshold=None, novelty=None, review=None, usual=None):
    config = {
        "operating_point": {"threshold": threshold},
        "decision": {"novelty": novelty, "review": review},
    }
    return DecisionSettings.of_config(config, usual)


def test_null_means_as_usual_and_nothing_means_none():
    assert asked() == DecisionSettings(None, 0.01, None)
    assert asked(novelty=0, review=0) == DecisionSettings(None, None, None)
    usual = DecisionSettings(0.25, 0.05, 0.1)
    assert asked(usual=usual) == usual
    assert asked(0.0, 0, 0, usual) == DecisionSettings(0.0, None, None)
    assert asked(0.5, 0.02, 0.2, usual) == DecisionSettings(0.5, 0.02, 0.2)
    nothing = DecisionSettings(None, None, None)
    assert asked(usual=nothing) == nothing
