"""What pictures have in common: style, fonts, title, legend, and saving as PNG.

The same numbers give the same bytes on one machine.
"""

import io
import textwrap
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlff_cli.metrics.metric import Metric
from mlff_cli.results.labels import plain
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
# DejaVu Sans comes with matplotlib; the others, where installed, have the letters it lacks.
_FONTS = (
    "DejaVu Sans",
    "Noto Sans CJK JP",
    "Noto Sans CJK SC",
    "Microsoft YaHei",
    "Yu Gothic",
    "Malgun Gothic",
    "PingFang SC",
    "Hiragino Sans",
    "Arial Unicode MS",
)


def axis_label(name: str, metric: Metric) -> str:
    """Return what an axis says of values of a metric, or of one of its outputs."""
    return f"{name} (%)" if metric.in_percent else name


def legend(axes: "Axes", handles: Sequence["Line2D"], *, beside: bool) -> None:
    """Name what is drawn, beside the axes or where there is room in them."""
    place: dict[str, Any] = {"loc": "best"}
    if beside:
        place = {"loc": "center left", "bbox_to_anchor": (1.01, 0.5)}
    if handles:
        axes.legend(handles, [str(handle.get_label()) for handle in handles], **place)


@contextmanager
def picture(
    path: Path, width: float, height: float, title: str, subject: str
) -> Iterator["Figure"]:
    """Give an empty figure of width x height inches to draw in, then write it as PNG, atomically.

    Neither pyplot nor the user's own style takes part.
    """
    from matplotlib import rc_context, rcdefaults, rcParams
    from matplotlib.figure import Figure
    from matplotlib.font_manager import fontManager
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    image = io.BytesIO()
    with rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")
        rcdefaults()
        installed = set(fontManager.get_font_names())
        style: Any = _STYLE | {"font.family": [name for name in _FONTS if name in installed]}
        rcParams.update(style)
        layout = ConstrainedLayoutEngine(w_pad=0.08, h_pad=0.08)
        figure = Figure(figsize=(width, height), layout=layout)
        lines = textwrap.wrap(f"{title}: {plain(subject)}", int(11 * width))
        figure.suptitle("\n".join(lines), x=0.012, ha="left", fontsize=11)
        yield figure
        figure.savefig(image, format="png", metadata={"Software": None})
    write_atomically(path, image.getvalue())
