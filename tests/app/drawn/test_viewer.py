"""The picture viewer in Chromium: geometry, windows on true values, marks, and the next picture loaded ahead."""

import io

import numpy as np
import pytest
from PIL import Image

from app.texts import viewer as texts
from app.theme import ASSETS
from app.viewer import TEMPLATE
from leaml.store.greys import Greys, pack, render
from tests.app.small_project import HOSTILE

pytestmark = pytest.mark.browser

WIDE, HIGH = 64, 48
WINDOWS = {1: (40, 400), 2: (-600, 1500), 3: (90, 150), 4: (480, 2500), 5: (40, 80)}
"""Of Shift+1 to Shift+5 on Hounsfield units, as clinicians know them."""


def picture_bytes(size=(WIDE, HIGH)) -> bytes:
    """Grey that grows to the right, but for a white pixel in the upper left corner."""
    image = Image.linear_gradient("L").rotate(90).resize(size)
    image.putpixel((0, 0), 255)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


NUMBERS = np.arange(WIDE * HIGH).reshape(HIGH, WIDE) - 1024
GREYS, STORED = pack(NUMBERS, window=(40, 400), unit="HU")
SMALL = {"src": "/1.png", "name": HOSTILE}
DEEP = {
    "src": "/ct.png", "values": "/ct", "width": WIDE, "height": HIGH, "name": "ct", "greys": GREYS.as_json(),
}  # fmt: skip


class Stage:
    """A page with nothing but a viewer, 640 × 480 and its bar."""

    def __init__(self, page) -> None:
        self.page = page
        self.asked: list[str] = []
        page.route("http://viewer.test/**", self._answer)
        page.goto("http://viewer.test/")
        page.evaluate("() => start()")

    def _answer(self, route) -> None:
        path = route.request.url.split("viewer.test")[1]
        self.asked.append(path)
        if path == "/":
            route.fulfill(body=PAGE, content_type="text/html")
        elif path == "/ct":
            route.fulfill(body=STORED.astype("<u2").tobytes(), content_type="application/octet-stream")
        elif path.endswith(".png"):
            route.fulfill(body=picture_bytes(), content_type="image/png")
        else:
            route.fulfill(status=404)

    def show(self, value) -> None:
        self.page.evaluate("([value]) => { props.value = value; watched(); }", [value])
        self.page.wait_for_selector(".viewer-stage:not([data-state=waits])")

    def key(self, key: str) -> None:
        self.page.keyboard.press(key)
        self.page.wait_for_timeout(60)

    def box(self) -> dict[str, float]:
        return self.page.locator(".viewer-picture").bounding_box()

    def part_under(self, x: float, y: float) -> tuple[float, float]:
        box = self.box()
        return (x - box["x"]) / box["width"], (y - box["y"]) / box["height"]

    def text(self, part: str) -> str:
        return self.page.inner_text(f".viewer-{part}")

    def canvas(self) -> np.ndarray:
        data = self.page.evaluate(
            "() => { const c = document.querySelector('canvas.viewer-picture');"
            " return [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data] }"
        )
        return np.array(data, dtype=np.uint8).reshape(HIGH, WIDE, 4)


PAGE = f"""<!doctype html><body class=begun style="margin:0; --viewer:#000; --viewer-height:560px">
<style>{(ASSETS / "viewer.css").read_text()} .viewer {{ width: 640px }} .viewer-stage {{ height: 480px }}</style>
<div id="test-viewer"><div id="html-1">{TEMPLATE}</div></div>
<script>{"".join(file.read_text() for file in sorted(ASSETS.glob("*.js")))}
const props = {{}}; let watched; const start = () => leaml.viewer(document.getElementById("html-1"), props,
  (name, changed) => (watched = changed));</script>"""


@pytest.fixture(scope="module")
def only(chromium):
    """One page for all tests."""
    context = chromium.new_context(viewport={"width": 800, "height": 640})
    yield Stage(context.new_page())
    context.close()


@pytest.fixture
def stage(only):
    """Shows a value in a viewer that has forgotten the one before."""

    def on(value) -> Stage:
        only.show({})
        only.asked.clear()
        only.show(value)
        return only

    return on


def test_zoom_goes_to_the_pointer_and_back_to_the_whole_picture(stage):
    viewer = stage(SMALL)
    whole = viewer.box()
    assert whole["height"] == pytest.approx(480, abs=2) or whole["width"] == pytest.approx(640, abs=2)
    before = viewer.part_under(200, 150)
    viewer.page.mouse.move(200, 150)
    viewer.page.mouse.wheel(0, -800)
    viewer.page.wait_for_timeout(60)
    assert viewer.box()["width"] > 2 * whole["width"]
    assert viewer.part_under(200, 150) == pytest.approx(before, abs=0.01)
    viewer.key("=")
    assert viewer.box() == pytest.approx(whole)
    viewer.key("z")
    assert (viewer.box()["width"], viewer.text("scale")) == (WIDE, "100 %")
    viewer.key("z")
    assert viewer.box() == pytest.approx(whole)


def test_a_picture_is_moved_as_far_as_its_edges(stage):
    viewer = stage(SMALL)
    viewer.page.mouse.move(300, 200)
    viewer.page.mouse.wheel(0, -800)
    viewer.page.mouse.down()
    viewer.page.mouse.move(3000, 3000)
    viewer.page.mouse.up()
    viewer.page.wait_for_timeout(60)
    assert (viewer.box()["x"], viewer.box()["y"]) == pytest.approx((0, 0), abs=1)


def test_marks_stand_where_they_were_drawn_however_the_picture_is_turned(stage):
    viewer = stage(SMALL)
    for key in ("r", "h", "r", "v", "r"):
        viewer.key(key)
    viewer.page.evaluate("() => leaml.viewers['test-viewer'].mark('box', (points) => (window.drawn = points))")
    box = viewer.box()
    viewer.page.mouse.move(box["x"] + 0.25 * box["width"], box["y"] + 0.5 * box["height"])
    viewer.page.mouse.down()
    viewer.page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.75 * box["height"])
    viewer.page.mouse.up()
    points = viewer.page.evaluate("() => window.drawn")
    viewer.show(SMALL | {"marks": [{"shape": "box", "points": points, "label": HOSTILE}]})
    drawn = viewer.page.locator(".viewer-marks polygon").last.bounding_box()
    assert drawn["x"] == pytest.approx(box["x"] + 0.25 * box["width"], abs=3)
    assert drawn["y"] == pytest.approx(box["y"] + 0.5 * box["height"], abs=3)
    assert viewer.page.text_content(".viewer-marks text") == HOSTILE


def test_a_quarter_turn_is_clockwise_mirrored_or_not(stage):
    viewer = stage(SMALL)
    corner = "() => leaml.viewers['test-viewer'].mark('point', (points) => (window.corner = points[0]))"
    for keys, expected in ((["r"], (0, 1)), (["h"], (1, 0)), (["h", "r"], (1, 1)), (["v", "r", "r"], (1, 0))):
        viewer.show({"notice": ""})
        viewer.show(SMALL)
        for key in keys:
            viewer.key(key)
        viewer.page.evaluate(corner)
        box = viewer.box()
        viewer.page.mouse.click(box["x"] + 2, box["y"] + 2)
        seen = viewer.page.evaluate("() => window.corner")
        assert seen == pytest.approx(expected, abs=0.02), (keys, "is what is seen in the upper left corner")


def test_true_values_are_shown_as_models_see_them_and_through_every_window(stage):
    viewer = stage(DEEP)
    viewer.key("z")
    assert viewer.text("window") == "L 40 W 400"
    assert np.array_equal(viewer.canvas()[..., 0], render(STORED, GREYS))
    for number, (centre, width) in WINDOWS.items():
        viewer.key(f"Shift+Digit{number}")
        window = Greys(GREYS.offset, GREYS.slope, "HU", centre, width, 0, 0)
        difference = viewer.canvas()[..., 0].astype(int) - render(STORED, window)
        assert np.abs(difference).max() <= 1 and viewer.text("window") == f"L {centre} W {width}"
    viewer.key("i")
    assert viewer.canvas()[0, 0, 0] == 255


def test_dragging_with_the_right_button_changes_the_window(stage):
    viewer = stage(DEEP)
    viewer.page.mouse.move(300, 200)
    viewer.page.mouse.down(button="right")
    viewer.page.mouse.move(400, 260)
    viewer.page.mouse.up(button="right")
    viewer.page.wait_for_timeout(60)
    level, width = map(int, viewer.text("window").removeprefix("L ").split(" W "))
    assert level > 40 and width > 400
    viewer.page.mouse.move(320, 240)
    assert viewer.text("value").endswith("HU")


def test_a_picture_of_8_bits_is_lightened_by_a_filter_and_put_back(stage):
    viewer = stage(SMALL)
    style = "() => document.querySelector('.viewer-picture').style.filter"
    assert viewer.page.evaluate(style) == ""
    viewer.key("Shift+Digit2")
    assert "leaml-tone" in viewer.page.evaluate(style) and viewer.text("window") == "25 / 50 %"
    line = viewer.page.locator("feFuncR").first
    assert float(line.get_attribute("slope")) == pytest.approx(2, abs=0.01)
    viewer.page.click("[data-act=tone]")
    viewer.page.click("[data-act=reset]")
    viewer.page.wait_for_timeout(60)
    assert viewer.page.evaluate(style) == ""


def test_the_magnifier_follows_the_pointer(stage):
    viewer = stage(DEEP)
    viewer.key("m")
    viewer.page.mouse.move(300, 200)
    viewer.page.wait_for_timeout(60)
    lens = viewer.page.locator(".viewer-lens").bounding_box()
    assert (lens["x"] + lens["width"] / 2, lens["y"] + lens["height"] / 2) == pytest.approx((300, 200), abs=2)
    viewer.key("m")
    assert not viewer.page.is_visible(".viewer-lens")


def test_the_next_picture_is_there_before_it_is_asked_for(stage):
    viewer = stage(SMALL | {"next": [{"src": "/2.png"}, {"src": "/3.png"}]})
    viewer.page.wait_for_timeout(200)
    assert viewer.asked.count("/2.png") == 1
    viewer.show({"src": "/2.png", "name": "2", "next": [DEEP]})
    viewer.page.wait_for_timeout(200)
    viewer.show(DEEP)
    assert viewer.asked.count("/2.png") == 1 and viewer.asked.count("/ct") == 1


def test_the_old_picture_is_gone_before_the_new_one_has_come(stage):
    viewer = stage(SMALL)
    viewer.page.evaluate("() => { props.value = { src: '/late.png', name: 'two' }; watched(); }")
    hidden = "() => getComputedStyle(document.querySelector('.viewer-picture')).visibility"
    assert viewer.page.evaluate(hidden) == "hidden" and viewer.text("name") == "two"


def test_a_picture_that_cannot_be_shown_says_so_and_the_next_one_can(stage):
    viewer = stage({"src": "/missing.jpg", "name": "gone"})
    assert viewer.text("notice") == texts.FAILED
    viewer.show(SMALL)
    assert viewer.page.get_attribute(".viewer-stage", "data-state") == "shown"
    assert viewer.text("name") == HOSTILE and viewer.page.evaluate("() => window.hacked") is None


def test_every_control_has_a_name_a_size_and_a_visible_focus(stage):
    viewer = stage(SMALL)
    viewer.page.click("[data-act=tone]")
    for button in viewer.page.locator(".viewer button:visible").all():
        box = button.bounding_box()
        assert min(box["width"], box["height"]) >= 32, button.inner_text()
        assert button.get_attribute("aria-label")
    viewer.page.focus("[data-act=rotate]")
    viewer.page.keyboard.press("Shift+Tab")
    outline = viewer.page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
