from mlff_cli.data.generated import GeneratedImage
from mlff_cli.tasks.experience import Experience, Step
from mlff_cli.tasks.record import Record


def experience(index, name):
    train, test = (
        tuple(Record(f"{name} {split} {n}", GeneratedImage("surfaces", ())) for n in range(index))
        for split in ("train", "test")
    )
    return Experience(index, name, name, ("good", "bad"), train, (), test)


def test_a_step_of_one_experience_is_called_as_it():
    step = Step((experience(2, "bolt"),))
    assert (step.name, step.index) == ("bolt", 2)
    assert [record.name for record in step.records("train")] == ["bolt train 0", "bolt train 1"]
    assert step.records("validation") == ()


def test_a_step_of_several_has_the_index_of_the_last_and_all_records_in_order():
    step = Step((experience(1, "bolt"), experience(2, "nut")))
    assert (step.name, step.index) == ("bolt+nut", 2)
    names = [record.name for record in step.records("test")]
    assert names == ["bolt test 0", "nut test 0", "nut test 1"]
