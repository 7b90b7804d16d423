"""What is known of a run that was never carried out."""

from mlff_cli.audit.verdict import LeakCheck
from mlff_cli.results.tables import RunFacts
from mlff_cli.runs.record import Cost, RunRecord

FACTS = RunFacts(
    scenario="small", method="mlff", backbone="b", fusion="f", seed=0,
    trainable_parameters=10, full_parameters=100, training_seconds=(1.0, 2.0),
    extraction_seconds=0.5, peak_memory_mib=10.0, experiences=("Größe", "b"),
)  # fmt: skip
RECORD = RunRecord(
    facts=FACTS, steps=(Cost("a", 0.1, 1.0, 0.2, 7, 10.0), Cost("b", 0.4, 2.0, 0.2, 3, 9.0)),
    data="d" * 64, digests={"matrix.csv": "0" * 64}, device="cpu, float32", command="mlff train",
    finished="2026-01-01T00:00:00+00:00", leaks=LeakCheck("test", 10, 1, passed=False),
    skipped=(("a.png", "is empty"),), level_weights={"deep": 1.0},
)  # fmt: skip
