"""Which processes figure 12 compares, and what each of them does."""

from dataclasses import dataclass

BATCH_SIZE, LEARNING_RATE, WEIGHT_DECAY = 64, 0.005, 0.05
COLD = "mlff, pooled fusion"
NAIVE = "avalanche, Naive"


@dataclass(frozen=True)
class Case:
    """A process that learns the sequence.

    Attributes:
        name: What tables call it.
        what: What it does, in a sentence.
        keys: Of `mlff train`, beside epochs and places.
        program: Of a peer, with its first word.
    """

    name: str
    what: str
    keys: tuple[str, ...] = ()
    program: tuple[str, str] = ("", "")


_SAME = (
    f"method.batch_size={BATCH_SIZE}",
    f"method.learning_rate={LEARNING_RATE}",
    f"method.weight_decay={WEIGHT_DECAY}",
)
CASES = (
    Case(
        COLD,
        "`mlff train method=mlff_linear`, empty store: the backbone sees each image once; one "
        "linear fusion layer of all levels and a head for each product train, dropout 0.75.",
        ("method=mlff_linear", *_SAME),
    ),
    Case(
        "mlff, local fusion",
        "`mlff train`, empty store, as it comes: maps of the levels, a fusion layer and a head for "
        "each product, batches of 32, learning rate 0.003, dropout 0.5.",
        ("method=mlff",),
    ),
    Case(
        "mlff, linear probe",
        "`mlff train method=linear_probe`, empty store: the model of the peers, a linear head for "
        "each product on the deepest level (320 numbers, standardised).",
        ("method=linear_probe", *_SAME),
    ),
    Case(
        "plain PyTorch",
        "a training loop over images, the backbone frozen, in eval mode and without gradients; a "
        "linear head for each product on timm's pooled features (1,280 numbers).",
        program=("plain_pytorch.py", "every epoch"),
    ),
    Case(
        "plain PyTorch, features kept",
        "the same with the backbone run once for each image and its features kept in memory: what "
        "mlff does, without a store, audit, report or resuming.",
        program=("plain_pytorch.py", "once"),
    ),
    Case(
        NAIVE,
        "avalanche-lib's Naive with MultiHeadClassifier on the same frozen backbone and features, "
        "accuracies of its EvaluationPlugin after each epoch and product.",
        program=("with_avalanche.py", "naive"),
    ),
    Case(
        "avalanche, replay",
        "the same with its ReplayPlugin: ten images of each class of all products, a batch of "
        "them beside each batch.",
        program=("with_avalanche.py", "replay"),
    ),
)
