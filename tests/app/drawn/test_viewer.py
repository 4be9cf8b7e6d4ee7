"""The picture viewer: what is seen of the picture after wheel, drag and keys."""

import pytest

from app.viewer import TEMPLATE

pytestmark = pytest.mark.browser


@pytest.fixture
def viewer(part, picture_data):
    shown = part("viewer", {"src": picture_data(200, 100), "name": "one.png"}, TEMPLATE)
    shown.page.add_style_tag(content=".viewer { width: 440px; height: 241px; min-height: 0 !important }")
    shown.page.wait_for_selector("[data-state=shown]")
    shown.page.wait_for_function("document.querySelector('.viewer-stage').clientHeight === 200")
    shown.press("=")
    return shown


def box(viewer) -> dict[str, float]:
    """Where the picture is, relative to the middle of the stage."""
    return viewer.page.evaluate(
        """() => {
          const picture = document.querySelector("img").getBoundingClientRect();
          const stage = document.querySelector(".viewer-stage").getBoundingClientRect();
          return {
            width: Math.round(picture.width), height: Math.round(picture.height),
            x: Math.round(picture.x + picture.width / 2 - stage.x - stage.width / 2),
            y: Math.round(picture.y + picture.height / 2 - stage.y - stage.height / 2),
          };
        }"""
    )


FRACTION = """([x, y]) => {
  const picture = document.querySelector("img").getBoundingClientRect();
  return [(x - picture.x) / picture.width, (y - picture.y) / picture.height];
}"""
"""Where on the picture, from 0 to 1, a point of the page lies."""


def test_the_whole_picture_is_seen_first(viewer):
    assert box(viewer) == {"width": 400, "height": 200, "x": 0, "y": 0}
    assert viewer.text(".viewer-name") == "one.png"
    assert viewer.text(".viewer-scale") == "200 %"


def test_z_shows_it_at_real_size_and_back(viewer):
    viewer.press("z")
    assert box(viewer)["width"] == 200
    viewer.press("z")
    assert box(viewer)["width"] == 400


def test_plus_minus_and_fit(viewer):
    viewer.press("+", "+")
    assert box(viewer)["width"] == 625
    viewer.press("-")
    assert box(viewer)["width"] == 500
    viewer.press("=")
    assert box(viewer)["width"] == 400


def test_the_wheel_keeps_what_is_under_the_pointer_in_place(viewer):
    stage = viewer.page.locator(".viewer-stage").bounding_box()
    left, top = stage["x"] + 120, stage["y"] + 60
    before = viewer.page.evaluate(FRACTION, [left, top])
    viewer.page.mouse.move(left, top)
    viewer.page.mouse.wheel(0, -600)
    viewer.page.wait_for_function("document.querySelector('img').getBoundingClientRect().width > 500")
    assert viewer.page.evaluate(FRACTION, [left, top]) == pytest.approx(before, abs=0.01)


def test_dragging_moves_the_picture_but_never_out_of_sight(viewer):
    viewer.press("+", "+", "+")
    stage = viewer.page.locator(".viewer-stage").bounding_box()
    middle = stage["x"] + stage["width"] / 2, stage["y"] + stage["height"] / 2
    viewer.page.mouse.move(*middle)
    viewer.page.mouse.down()
    viewer.page.mouse.move(middle[0] + 30, middle[1] + 10, steps=3)
    moved = box(viewer)
    assert (moved["x"], moved["y"]) == (30, 10)
    viewer.page.mouse.move(middle[0] + 5000, middle[1], steps=3)
    viewer.page.mouse.up()
    assert box(viewer)["x"] == pytest.approx((box(viewer)["width"] - 440) / 2, abs=1)


def test_a_picture_that_fits_stays_in_the_middle(viewer):
    viewer.press("Shift+ArrowLeft", "Shift+ArrowUp")
    assert (box(viewer)["x"], box(viewer)["y"]) == (0, 0)


def test_rotating_fits_it_again(viewer):
    viewer.press("r")
    assert (box(viewer)["width"], box(viewer)["height"]) == (100, 200)


def test_inverting_shows_on_the_picture_and_on_the_button(viewer):
    viewer.press("i")
    assert viewer.page.eval_on_selector("img", "found => getComputedStyle(found).filter") == "invert(1)"
    assert viewer.page.get_attribute("[data-act=invert]", "aria-pressed") == "true"


def test_the_next_picture_starts_fresh(viewer, picture_data):
    viewer.press("i", "r", "+")
    viewer.answer({"src": picture_data(200, 100, (9, 9, 9)), "name": "two.png"})
    viewer.page.wait_for_selector("[data-state=shown]")
    viewer.page.wait_for_function("document.querySelector('img').getBoundingClientRect().width === 400")
    assert viewer.page.eval_on_selector("img", "found => getComputedStyle(found).filter") == "none"
    assert viewer.text(".viewer-name") == "two.png"


def test_the_old_picture_is_gone_before_the_new_one_has_come(viewer):
    viewer.answer({"src": "http://part.test/never.png", "name": "two.png"})
    state = viewer.page.get_attribute(".viewer-stage", "data-state")
    assert state in ("waits", "failed")
    assert viewer.page.eval_on_selector("img", "found => getComputedStyle(found).visibility") == "hidden"


def test_a_picture_that_cannot_be_shown_says_so(viewer):
    viewer.answer({"src": "http://part.test/broken.png", "name": "two.png"})
    viewer.page.wait_for_selector("[data-state=failed]")
    assert viewer.text(".viewer-notice") == "This picture cannot be shown."


def test_the_next_picture_is_loaded_ahead(part, picture_data):
    shown = part("viewer", {}, TEMPLATE)
    with shown.page.expect_request("http://part.test/next.png"):
        shown.answer({"src": picture_data(20, 10), "next": "http://part.test/next.png"})


def test_a_hostile_name_stays_text(viewer, picture_data):
    name = "<img src=x onerror=window.hacked=1>.png"
    viewer.answer({"src": picture_data(20, 10), "name": name})
    assert viewer.text(".viewer-name") == name
    assert viewer.page.evaluate("window.hacked") is None


def test_every_button_says_what_it_does(viewer):
    said = "found => found.map((one) => one.getAttribute('aria-label'))"
    labels = viewer.page.eval_on_selector_all("[data-act]", said)
    assert len(labels) == 6 and all(labels)
