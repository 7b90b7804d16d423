"""Scores of good and defective images, with a threshold that can be moved."""

import json
from collections.abc import Sequence

from mlff_cli.results.labels import plain
from mlff_cli.results.operating_points import OperatingPoint
from mlff_cli.results.page import svg
from mlff_cli.results.page.markup import text
from mlff_cli.results.predictions import Predictions, defect_scores, defective

Points = Sequence[tuple[OperatingPoint, Predictions]]

CONTROLS = """<div class="controls scripted-only">
<label>Experience <select id="experience"></select></label>
<label for="threshold">Threshold <output id="threshold-value"></output></label>
<input type="range" id="threshold" min="0" max="1" step="any">
<button type="button" id="reset">as chosen</button>
</div>
<div class="wide scripted-only"><table>
<tr><td></td><th>called defective</th><th>passes as good</th></tr>
<tr><th>defective</th><td id="caught"></td><td id="escaped"></td></tr>
<tr><th>good</th><td id="rejected"></td><td id="passed"></td></tr>
</table></div>
<p class="scripted-only">Escape: <span id="escape"></span><br>
Overkill: <span id="overkill"></span></p>
"""
"""What report.js fills and listens to."""


def thresholds(points: Points) -> str:
    """Return the histogram of scores with a threshold that can be moved, of each experience."""
    chosen = [(point, scored) for point, scored in points if point.threshold is not None]
    if not chosen:
        return ""
    plots, embedded = [], []
    for place, (point, scored) in enumerate(chosen):
        scores, flags = defect_scores(scored, point.good), defective(scored, point.good)
        curve = svg.trade_off(scores, flags) if 0 < flags.sum() < len(flags) else ""
        plots.append(
            f'<figure data-experience="{place}"><figcaption>{text(point.experience)}</figcaption>'
            f"{svg.histogram(scores, flags, point.threshold)}{curve}</figure>"
        )
        embedded.append(
            {
                "name": plain(point.experience),
                "threshold": point.threshold,
                # Six digits and more are kept: rounding must not move an image over the threshold.
                "scores": [float(f"{score:.9g}") for score in scores.tolist()],
                "defective": flags.astype(int).tolist(),
            }
        )
    data = json.dumps(embedded, ensure_ascii=False).replace("<", "\\u003c")
    return (
        f'{CONTROLS}{"".join(plots)}\n<script type="application/json" id="scores">{data}</script>\n'
    )
