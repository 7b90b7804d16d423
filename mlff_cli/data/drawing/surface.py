"""A surface as height, reflectance and gloss, and how light makes it visible."""

from dataclasses import dataclass

import numpy as np

from mlff_cli.data.drawing.fields import SIDE, Field, Point, Window


def colour(red_green_blue: Point) -> Field:
    """Return a colour as (3, 1, 1), which spreads over planes."""
    return np.asarray(red_green_blue, np.float32).reshape(3, 1, 1)


@dataclass
class Surface:
    """What defects change.

    Attributes:
        height: (S, S) in units; relief becomes visible only through the light's direction.
        albedo: (3, S, S) diffuse reflectance, linear.
        gloss: (S, S) strength of the mirror-like part.
        angle: Direction of brushing or weave, in radians.
    """

    height: Field
    albedo: Field
    gloss: Field
    angle: float = 0.0

    @property
    def size(self) -> int:
        """Pixels along one side."""
        return len(self.height)

    def part(self, window: Window) -> "Surface":
        """Return a window of rows and columns; what is drawn on it is drawn on the whole."""
        rows, columns = window
        return Surface(
            self.height[rows, columns],
            self.albedo[:, rows, columns],
            self.gloss[rows, columns],
            self.angle,
        )

    def paint(self, mask: Field, colour: Field, opacity: float = 1.0) -> None:
        """Mix `colour` (3, 1, 1) or (3, S, S) into the albedo where `mask` (S, S) is set."""
        self.albedo += mask * np.float32(opacity) * (colour - self.albedo)

    def tint(self, mask: Field, factor: Field | float) -> None:
        """Multiply the albedo by `factor`, a number or (3, 1, 1), where `mask` (S, S) is set."""
        self.albedo *= 1 + mask * (np.asarray(factor, np.float32) - 1)

    def lit(self, azimuth: float) -> Field:
        """Return the radiance (3, S, S) under oblique light from `azimuth` (x towards y)."""
        pitch = np.float32(SIDE / self.size)
        rise_y, rise_x = np.gradient(self.height, pitch)
        # A slope that descends towards the lamp faces it.
        facing = -(rise_x * np.float32(np.cos(azimuth)) + rise_y * np.float32(np.sin(azimuth)))
        diffuse = np.clip(1 + facing, 0.12, 2.2)
        mirror = self.gloss * np.clip(facing - 0.15, 0, 1.2)
        return np.asarray(self.albedo * diffuse + mirror, np.float32)
