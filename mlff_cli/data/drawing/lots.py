"""Five production batches of one chip resistor: boards, component lots, lamps and lenses."""

from dataclasses import dataclass

from mlff_cli.data.drawing.fields import Point

TIN, MATTE_TIN, GOLD = (0.62, 0.62, 0.60), (0.47, 0.47, 0.47), (0.74, 0.55, 0.24)


@dataclass(frozen=True)
class Lot:
    """What changes from one batch to the next. Colours are linear reflectances.

    Attributes:
        mask: Solder mask over bare laminate.
        copper: How much lighter the mask is over copper.
        silk: Ink of the silk screen.
        finish: Metal of pads without solder.
        coat: The component's overcoat.
        ends: Metal of its terminations.
        marking: Ink of its marking.
        digits: Characters of its marking.
        length: Along the component, in units at scale 1.
        width: Across it.
        shine: Strength of mirror-like reflections of solder and ends.
        lamp: Direction that the light comes from, in radians.
        falloff: Change of the light across the image.
        white: Gain of red, green and blue.
        exposure: Mean grey value aimed at.
        gamma: Exponent of the camera's encoding.
        noise: Deviation of the sensor's noise.
        blur: Of the lens, in units.
        scale: Of the camera.
    """

    mask: Point
    copper: float
    silk: Point
    finish: Point
    coat: Point
    ends: Point
    marking: Point
    digits: int
    length: float
    width: float
    shine: float
    lamp: float
    falloff: float
    white: tuple[float, float, float]
    exposure: float
    gamma: float
    noise: float
    blur: float
    scale: float


LOTS: dict[str, Lot] = {
    "batch_1": Lot(
        mask=(0.035, 0.150, 0.070), copper=1.7, silk=(0.75, 0.76, 0.72), finish=TIN,
        coat=(0.030, 0.030, 0.034), ends=TIN, marking=(0.70, 0.70, 0.68), digits=3,
        length=46, width=24, shine=0.7, lamp=-2.3, falloff=0.15,
        white=(1.00, 1.00, 1.00), exposure=0.44, gamma=0.52, noise=0.008, blur=0.35, scale=1.28,
    ),
    "batch_2": Lot(
        mask=(0.016, 0.072, 0.044), copper=1.5, silk=(0.70, 0.72, 0.66), finish=TIN,
        coat=(0.050, 0.050, 0.054), ends=MATTE_TIN, marking=(0.55, 0.56, 0.55), digits=3,
        length=46, width=23, shine=0.5, lamp=-1.2, falloff=0.30,
        white=(0.93, 1.00, 1.09), exposure=0.40, gamma=0.50, noise=0.012, blur=0.42, scale=1.22,
    ),
    "batch_3": Lot(
        mask=(0.022, 0.060, 0.200), copper=1.6, silk=(0.78, 0.79, 0.80), finish=GOLD,
        coat=(0.024, 0.026, 0.036), ends=TIN, marking=(0.74, 0.74, 0.70), digits=4,
        length=45, width=24, shine=0.9, lamp=0.6, falloff=0.22,
        white=(1.09, 1.00, 0.90), exposure=0.45, gamma=0.48, noise=0.010, blur=0.52, scale=1.36,
    ),
    "batch_4": Lot(
        mask=(0.022, 0.022, 0.024), copper=1.35, silk=(0.66, 0.66, 0.66), finish=GOLD,
        coat=(0.020, 0.045, 0.085), ends=MATTE_TIN, marking=(0.50, 0.54, 0.56), digits=4,
        length=44, width=25, shine=0.6, lamp=2.2, falloff=0.45,
        white=(1.04, 1.00, 0.95), exposure=0.33, gamma=0.55, noise=0.014, blur=0.48, scale=1.14,
    ),
    "batch_5": Lot(
        mask=(0.180, 0.022, 0.022), copper=1.6, silk=(0.80, 0.78, 0.74), finish=MATTE_TIN,
        coat=(0.042, 0.075, 0.052), ends=MATTE_TIN, marking=(0.62, 0.64, 0.55), digits=3,
        length=47, width=23, shine=0.4, lamp=-0.2, falloff=0.38,
        white=(1.05, 1.00, 0.92), exposure=0.46, gamma=0.50, noise=0.012, blur=0.75, scale=1.42,
    ),
}  # fmt: skip
