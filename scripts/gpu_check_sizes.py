"""How much is run and measured."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """What fits into the time, on one card.

    Attributes:
        device: Where; the tiny extent goes the same ways on the processor.
        job: Keys of the main job.
        seeds: Over which scores are averaged.
        epochs: Of fine-tuning and of mlff.
        side: Of the images that are passed, in pixels.
        batches: Their numbers that are tried.
        images: That a pass takes.
        written: Image files.
        compiler: torch's.
    """

    device: str = "cuda"
    job: tuple[str, ...] = ("data.image_size=128", "data.images_per_class=40")
    seeds: tuple[int, ...] = (0, 1)
    epochs: int = 20
    side: int = 224
    batches: tuple[int, ...] = (64, 256, 1024)
    images: int = 16_384
    written: int = 4096
    compiler: str = "inductor"

    @classmethod
    def tiny(cls) -> "Sizes":
        """Return the smallest extent."""
        return cls(
            device="cpu",
            job=("data.image_size=32", "data.images_per_class=4", "trainer.workers=0"),
            seeds=(0,),
            epochs=2,
            side=32,
            batches=(4,),
            images=8,
            written=8,
            compiler="eager",
        )
