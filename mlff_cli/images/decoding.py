"""An image file to RGB pixels, and what is wrong with it where that fails."""

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

SUFFIXES_OF = {
    "PNG": (".png", ".apng"),
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "BMP": (".bmp",),
    "TIFF": (".tif", ".tiff"),
    "WEBP": (".webp",),
    "GIF": (".gif",),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm"),
    "JPEG2000": (".jp2", ".j2k", ".j2c", ".jpf", ".jpx", ".jpc"),
}
"""Formats that Pillow may read, by its names, and the endings of their files in small letters.

Others are left out because some start programs (EPS: Ghostscript).
"""

FORMATS = tuple(SUFFIXES_OF)

SUFFIXES = tuple(suffix for suffixes in SUFFIXES_OF.values() for suffix in suffixes)
"""Endings by which images are found in folders; a manifest may name any file."""

UNSUPPORTED = {
    **dict.fromkeys((".heic", ".heif", ".hif"), "HEIF"),
    **dict.fromkeys((".avif", ".jxl", ".jxr", ".tga", ".psd", ".svg", ".eps", ".exr", ".hdr")),
    **dict.fromkeys((".dng", ".cr2", ".cr3", ".nef", ".nrw", ".arw", ".srf", ".orf"), "camera raw"),
    **dict.fromkeys((".rw2", ".raf", ".pef", ".srw", ".raw", ".iiq", ".3fr"), "camera raw"),
    **dict.fromkeys((".dcm", ".dicom"), "DICOM"),
    **dict.fromkeys((".mpo", ".pfm", ".fits", ".fit", ".czi")),
    **dict.fromkeys((".mp4", ".avi", ".mov", ".mkv"), "video"),
}
"""Endings of files that hold images and are not read, and what they are called where not by these.

In folders they are found, to be named. A file named so that is a PNG, say, is read all the same.
"""

MAX_PIXELS = 100_000_000
MIN_SIDE = 8


class ImageProblem(Exception):  # noqa: N818 - a finding, told as text
    """What is wrong with an image file; the message leaves out the file's name."""


WIDEST = 16
"""Bits of the widest values that are read; their range is the default to scale from."""


@dataclass(frozen=True)
class WideValues:
    """What a file of 16 bits holds: its largest value, and whether that is known exactly.

    Of several channels Pillow reads the upper 8 bits of each: the value is the largest it may be.
    """

    largest: int
    exact: bool


def decode(path: Path, bits: int = WIDEST) -> NDArray[np.uint8]:
    """Return the pixels (H, W, 3): upright, 16 bits scaled to 8, transparency over white.

    Args:
        path: The file.
        bits: Of the range 0 to 2 ** bits - 1 that the values of a grey image of 16 bits are scaled
            from; others it leaves alone.

    Raises:
        ImageProblem: It cannot be decoded, or has values outside of that range.
    """
    with _opened(path) as image:
        image.load()
        return _rgb(_upright(image), bits)


def pixels_of(image: Image.Image, bits: int = WIDEST) -> NDArray[np.uint8]:
    """Return the pixels (H, W, 3) of an image that is in memory, as `decode` those of a file.

    Raises:
        ImageProblem: It has no usable pixels, or values outside of the range.
    """
    _check_header(image)
    try:
        image.load()
    except Exception as error:  # it may have been opened and not read yet
        raise ImageProblem(f"is truncated or damaged: {error or type(error).__name__}") from error
    return _rgb(_upright(image), bits)


def upright_size(path: Path) -> tuple[int, int] | None:
    """Return width and height of the pixels that `decode` returns, as the header has it.

    None where it has no usable image. An orientation behind the pixels of a PNG is not seen.
    """
    try:
        with _opened(path) as image:
            late = image.format == "PNG" and "exif" not in image.info
            turned = not late and image.getexif().get(ExifTags.Base.Orientation, 1) in range(5, 9)
            width, height = image.size
            return (height, width) if turned else (width, height)
    except ImageProblem:
        return None


def wide_values(path: Path) -> WideValues | None:
    """Return what a file of 16 bits per channel holds; None of any other, damaged ones too.

    Of others the header alone is read.
    """
    try:
        with _opened(path) as image:
            if image.mode.startswith("I"):
                least, largest = _extremes(image)
                return WideValues(largest, exact=True) if 0 <= least <= largest < 1 << 16 else None
            if ";16" not in str(getattr(image, "tile", "")):
                return None
            opaque = image.convert("L" if image.mode == "LA" else "RGB")
            return WideValues(int(np.asarray(opaque).max()) * 256 + 255, exact=False)
    except ImageProblem:
        return None


def _extremes(image: Image.Image) -> tuple[int, int]:
    values = np.asarray(image)
    return int(values.min()), int(values.max())


def header_problem(path: Path) -> str | None:
    """Return what is wrong with a file as far as its header tells, None when nothing is."""
    try:
        with _opened(path):
            return None
    except ImageProblem as problem:
        return str(problem)


def decoding_problem(path: Path) -> str | None:
    """Return what is wrong with a file when all of it is decoded, None when nothing is."""
    try:
        decode(path)
    except ImageProblem as problem:
        return str(problem)
    return None


def file_problem(path: Path, error: OSError) -> str:
    """Return in plain words why the operating system did not give a file."""
    if isinstance(error, FileNotFoundError):
        if path.is_symlink():
            return f"is a link to {path.readlink()}, which does not exist"
        return "does not exist (moved or deleted since it was listed?)"
    if isinstance(error, PermissionError):
        return "may not be read: permission denied (chmod u+r gives it to its owner)"
    if isinstance(error, IsADirectoryError):
        return "is a folder, not an image file"
    return f"cannot be read: {error.strerror or error}"


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    try:
        _check_file(path)
        with Image.open(path, formats=FORMATS) as image:
            if image.format == "TIFF":  # of camera raw, it would be the small preview
                _check_supported(path)
            _check_header(image)
            yield image
    except (ImageProblem, MemoryError):
        raise
    except UnidentifiedImageError:
        _check_supported(path)
        known = ", ".join(FORMATS)
        raise ImageProblem(f"is not an image ({known}), or its header is damaged") from None
    except Image.DecompressionBombError:
        raise ImageProblem(_too_large()) from None
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise ImageProblem(file_problem(path, error)) from error
        # Pillow's readers raise nearly any type for damaged data: SyntaxError, struct.error, ...
        raise ImageProblem(f"is truncated or damaged: {error or type(error).__name__}") from error


def _check_file(path: Path) -> None:
    status = path.stat()
    if stat.S_ISDIR(status.st_mode):
        raise ImageProblem("is a folder, not an image file")
    if not stat.S_ISREG(status.st_mode):  # opening a named pipe would wait for ever
        raise ImageProblem("is a pipe or a device, not an image file")
    if status.st_size == 0:
        raise ImageProblem("is empty (0 bytes)")


def _check_supported(path: Path) -> None:
    if (suffix := path.suffix.lower()) in UNSUPPORTED:
        kind = UNSUPPORTED[suffix] or suffix[1:].upper()
        raise ImageProblem(
            f"is {kind}, which is not supported; convert it to PNG, TIFF or JPEG"
        ) from None


def _check_header(image: Image.Image) -> None:
    # The second picture of an MPO is a preview or a map of depth that a telephone adds to a JPEG.
    if getattr(image, "is_animated", False) and image.format != "MPO":
        raise ImageProblem(
            f"holds {getattr(image, 'n_frames', 2)} pages or frames, and which of them counts is "
            "not known; save those that do as files of their own"
        )
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise ImageProblem(_too_large(f"{width} x {height} pixels, "))
    if min(width, height) < MIN_SIDE:
        raise ImageProblem(f"is {width} x {height}, smaller than {MIN_SIDE} x {MIN_SIDE} pixels")
    if image.mode == "F":
        raise ImageProblem("has floating-point pixels; save it with 8 or 16 bits per channel")


def _too_large(size: str = "") -> str:
    return f"is too large: {size}more than {MAX_PIXELS // 1_000_000} megapixels; reduce it"


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # an unreadable EXIF block tells no orientation; the pixels are whole
        return image


def _rgb(image: Image.Image, bits: int) -> NDArray[np.uint8]:
    if image.mode.startswith("I"):
        least, largest = _extremes(image)
        # Some versions of Pillow hand 16 bits over in 32; a real 32-bit image has no known range.
        if least < 0 or largest >= 1 << 16:
            raise ImageProblem("has 32-bit pixels; save it with 8 or 16 bits per channel")
        top = (1 << bits) - 1
        if largest > top:
            raise ImageProblem(f"has values up to {largest}, more than {bits} bits hold ({top})")
        grey = ((np.asarray(image).astype(np.uint32) * 255 + top // 2) // top).astype(np.uint8)
        return np.repeat(grey[:, :, None], 3, axis=2)
    if image.mode in {"LA", "La", "PA", "RGBA", "RGBa"} or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return np.array(image.convert("RGB"))
