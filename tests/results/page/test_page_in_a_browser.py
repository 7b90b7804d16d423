"""The page in a real browser: the threshold is moved, and what it says is compared with ours."""

import json
import re

import pytest
from browser import chromium, dom_after, screenshot
from pages_for_tests import run_page_of
from PIL import Image

from mlff_cli.metrics.operating_point import decisions
from mlff_cli.results.operating_points import rates
from mlff_cli.results.page.page import run_page
from mlff_cli.results.predictions import defect_scores, defective

pytestmark = pytest.mark.skipif(chromium() is None, reason="there is no Chromium to be had")

THRESHOLDS = (0.0, 0.31, 0.5, 0.685, 1.0)

MOVE = """
const told = {};
const read = (name) => document.getElementById(name).textContent;
const note = (name) => {
  told[name] = Object.fromEntries(["escape", "overkill", "caught", "escaped", "rejected", "passed",
    "threshold-value"].map((key) => [key, read(key)]));
  const shown = document.querySelector("[data-experience]:not([hidden]) line.threshold");
  told[name].line = Number(shown.getAttribute("x1"));
};
const slider = document.getElementById("threshold");
const choice = document.getElementById("experience");
[0, 1].forEach((place) => {
  choice.value = place;
  choice.dispatchEvent(new Event("change"));
  note(`${place} chosen`);
  %s.forEach((threshold) => {
    slider.value = threshold;
    slider.dispatchEvent(new Event("input"));
    note(`${place} ${threshold}`);
  });
});
document.getElementById("reset").click();
note("reset");
const box = document.getElementById("show-where");
box.click();
told.plain = getComputedStyle(document.querySelector("img.where")).display;
const result = document.createElement("pre");
result.id = "told";
result.textContent = JSON.stringify(told);
document.body.append(result);
"""


@pytest.fixture(scope="module")
def run():
    return run_page_of(count=32)  # of sixteen one is 6.25 %: as near to 6.2 as to 6.3


@pytest.fixture(scope="module")
def page(run, tmp_path_factory):
    file = tmp_path_factory.mktemp("page") / "report.html"
    file.write_text(run_page(run), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def told(page):
    dom = dom_after(page, MOVE % json.dumps(THRESHOLDS))
    found = re.search(r'<pre id="told">(.*?)</pre>', dom, re.DOTALL)
    assert found, dom[-2000:]
    return json.loads(found[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("threshold", ["chosen", *THRESHOLDS])
def test_what_the_slider_says_is_what_python_counts(run, told, place, threshold):
    point, scored = run.points[place]
    at = point.threshold if threshold == "chosen" else threshold
    found = decisions(defect_scores(scored, point.good), defective(scored, point.good), at)
    name = threshold if threshold == "chosen" else f"{threshold:g}"
    said = told[f"{place} {name}"]
    assert f"escape {said['escape']}, overkill {said['overkill']}" == rates(found)
    assert int(said["escaped"]) == found.escaped
    assert int(said["caught"]) == found.defective - found.escaped
    assert int(said["rejected"]) == found.rejected
    assert int(said["passed"]) == found.good - found.rejected
    assert float(said["threshold-value"]) == pytest.approx(at, abs=0.0005)
    assert said["line"] == pytest.approx(44 + at * 584, abs=0.01)


def test_the_button_brings_the_chosen_threshold_back(told):
    assert told["reset"] == told["1 chosen"]


def test_the_box_takes_the_glow_away(told):
    assert told["plain"] == "none"


@pytest.mark.parametrize("width", [500, 820, 1400])
def test_it_is_drawn_at_the_width_of_a_phone_and_of_a_screen(page, tmp_path, width):
    # Chromium's window is never narrower than 500 pixels.
    screenshot(page, tmp_path / "page.png", width, 1200)
    with Image.open(tmp_path / "page.png") as picture:
        assert picture.size == (width, 1200)
        assert len(picture.convert("RGB").getcolors(1 << 24)) > 100


def test_nothing_is_wider_than_a_phone_but_tables_that_scroll(page):
    script = """
document.documentElement.style.width = "390px";
const wide = [...document.body.querySelectorAll("*")].filter((part) =>
  !part.closest(".wide, svg, pre, select") && part.getBoundingClientRect().right > 391);
document.body.dataset.wide = wide.map((part) => part.tagName + part.className).join(" ");
"""
    assert 'data-wide=""' in dom_after(page, script)
