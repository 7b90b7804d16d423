"""One range for all 16-bit images of a data set: 12-bit values in 16-bit files are not dark."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from mlff_cli.data.files import FileImage, files_of
from mlff_cli.errors import UserError
from mlff_cli.images.decoding import WIDEST, WideValues, wide_values
from mlff_cli.images.remembered import of_files
from mlff_cli.tasks.modalities import MultimodalImage
from mlff_cli.tasks.record import ImageSource, Record

DEPTHS = (8, 10, 12, 14, WIDEST)
"""Bits that cameras give."""

AUTO = "auto"
"""The value of `data.bits` by which the range is found from the images."""

AT_MOST = " at most"

log = logging.getLogger(__name__)


def in_one_range(
    records: Sequence[Record], bits: int | str, store: Path | None
) -> tuple[list[Record], int | None]:
    """Return the records, 16-bit images among them scaled from one range, and its bits.

    With `bits` as `AUTO` the range is that of the largest value in any of the images, rounded up to
    a depth that cameras have. One range for all: what is brighter in one image than in another
    stays so. All of them and no sample: a value that turned up later would have to be clipped, or
    stop a run half-way; each file is looked at once, and the store of features remembers what was
    found. Rounded up: so that one image more hardly ever makes another range, and with it other
    features of all.

    Returns:
        The records, and None for the bits where no image has 16.

    Raises:
        UserError: A value is outside of the range asked for, or cannot be read in full.
    """
    wide = _wide({str(path) for record in records for path in files_of(record.image)}, store)
    if not wide:
        return list(records), None
    brightest = max(wide, key=lambda path: wide[path].largest)
    largest = wide[brightest].largest
    needed = next(depth for depth in DEPTHS if largest < 1 << depth)
    chosen = bits if isinstance(bits, int) else needed
    if chosen < needed:
        raise UserError(
            f"{brightest}: has values up to {largest}, more than data.bits={chosen} hold; set "
            f"data.bits={needed}"
        )
    if chosen < WIDEST:
        _refuse_inexact(wide, chosen)
    log.info(
        "%d of %d images have 16 bits, with values up to %d: all are scaled from 0 to %d "
        "(data.bits=%d)",
        len(wide),
        len(records),
        largest,
        (1 << chosen) - 1,
        chosen,
    )
    return [_scaled(record, wide, chosen) for record in records], chosen


def _wide(paths: set[str], store: Path | None) -> dict[str, WideValues]:
    """Return what the 16-bit files among these hold."""
    memo = store / "wide_values.jsonl" if store else None
    found = of_files(sorted(paths), memo, lambda file: _written(wide_values(Path(file.name))))
    return {path: _as_written(text) for path, text in found.items() if text}


def _written(values: WideValues | None) -> str:
    return f"{values.largest}{'' if values.exact else AT_MOST}" if values else ""


def _as_written(text: str) -> WideValues:
    return WideValues(int(text.removesuffix(AT_MOST)), exact=not text.endswith(AT_MOST))


def _refuse_inexact(wide: Mapping[str, WideValues], bits: int) -> None:
    coarse = sorted(path for path, values in wide.items() if not values.exact)
    if coarse:
        raise UserError(
            f"{coarse[0]} and {len(coarse) - 1} more: have {bits}-bit values in 16-bit channels of "
            "colour, of which the upper 8 bits alone can be read; save them with 8 bits per "
            "channel or as grey, or take them as dark as they are with data.bits=16"
        )


def _scaled(record: Record, wide: Mapping[str, WideValues], bits: int) -> Record:
    return replace(record, image=_with_bits(record.image, wide, bits))


def _with_bits(image: ImageSource, wide: Mapping[str, WideValues], bits: int) -> ImageSource:
    if isinstance(image, MultimodalImage):
        parts = ((name, _with_bits(part, wide, bits)) for name, part in image.parts)
        return MultimodalImage(tuple(parts))
    if isinstance(image, FileImage) and str(image.path) in wide:
        return replace(image, bits=bits)
    return image
