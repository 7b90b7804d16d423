"""What a method learns at once."""

from mlff_cli.data.generated import GeneratedImage
from mlff_cli.tasks.experience import Experience, Step
from mlff_cli.tasks.record import Record


def experience(index, name):
    records = [
        Record(f"{name}{number}", GeneratedImage("surfaces", ()), ("good",)) for number in range(3)
    ]
    return Experience(index, name, name, ("good", "pit"), records[:1], records[1:2], records[2:])


def test_a_step_of_one_experience_is_called_like_it():
    step = Step((experience(2, "bolt"),))
    assert (step.name, step.index) == ("bolt", 2)
    assert [record.name for record in step.records("test")] == ["bolt2"]


def test_a_step_of_several_has_the_records_of_all_and_the_index_of_the_last():
    step = Step((experience(1, "bolt"), experience(2, "nut")))
    assert (step.name, step.index) == ("bolt+nut", 2)
    assert [record.name for record in step.records("train")] == ["bolt0", "nut0"]
