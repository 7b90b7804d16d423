"""What pictures have in common: style, fonts, title, legend, and saving as PNG.

The same numbers give the same bytes on one machine.
"""

import io
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlff_cli.metrics.metric import Metric
from mlff_cli.results.labels import distinct, shortened
from mlff_cli.results.lettering import drawable, installed, note_on
from mlff_cli.system.files import write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

# Okabe and Ito's colours, told apart by colour-blind readers; without yellow, pale on white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
MARKERS = "osD^vP"
GREY = "#6e6e6e"

NAME_LENGTH = 26
"""Letters of a name beside an axis."""

_STYLE: dict[str, Any] = {
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "font.size": 9,
    "grid.color": "#e4e4e4",
    "legend.frameon": False,
    "savefig.dpi": 150,
    # Names may contain dollar signs.
    "text.parse_math": False,
}


def axis_label(name: str, metric: Metric) -> str:
    """Return what an axis says of values of a metric, or of one of its outputs."""
    return f"{drawable(name)} (%)" if metric.in_percent else drawable(name)


def named(names: Sequence[str]) -> list[str]:
    """Return names as they stand beside an axis: short, told apart, of letters that there are."""
    return distinct([drawable(name) for name in names], NAME_LENGTH)


def cut(name: str, length: int) -> str:
    """Return a name of letters that there are, its middle left out where it is too long."""
    return shortened(drawable(name), length)


def within_share(low: float, high: float) -> tuple[float, float]:
    """Return the limits of an axis of percentages that would run from `low` to `high`."""
    return max(low, 0.0), min(high, 100.0)


def legend(axes: "Axes", handles: Sequence["Line2D"], *, beside: bool) -> None:
    """Name what is drawn, beside the axes or where there is room in them."""
    place: dict[str, Any] = {"loc": "best"}
    if beside:
        place = {"loc": "center left", "bbox_to_anchor": (1.01, 0.5)}
    if handles:
        axes.legend(handles, [str(handle.get_label()) for handle in handles], **place)


@contextmanager
def picture(
    path: Path, width: float, height: float, title: str, subject: str, *, names: Sequence[str] = ()
) -> Iterator["Figure"]:
    """Give an empty figure of width x height inches to draw in, then write it as PNG, atomically.

    Neither pyplot nor the user's own style takes part. A line below the title says so where it or
    `names`, which stand in the figure, have letters that no font has.
    """
    from matplotlib import rc_context, rcdefaults, rcParams
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    image = io.BytesIO()
    with rc_context():
        rcdefaults()
        style: Any = _STYLE | {"font.family": installed()}
        rcParams.update(style)
        layout = ConstrainedLayoutEngine(w_pad=0.08, h_pad=0.08)
        figure = Figure(figsize=(width, height), layout=layout)
        lines = textwrap.wrap(drawable(f"{title}: {subject}"), int(11 * width))
        lines += textwrap.wrap(note_on([title, subject, *names]), int(11 * width))
        figure.suptitle("\n".join(lines), x=0.012, ha="left", fontsize=11)
        yield figure
        figure.savefig(image, format="png", metadata={"Software": None})
    write_atomically(path, image.getvalue())
