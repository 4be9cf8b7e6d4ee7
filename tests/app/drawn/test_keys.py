"""Keys act once, where they are meant, and never while somebody writes."""

import pytest

pytestmark = pytest.mark.browser

TEMPLATE = '<input id="field"><button id="button">press</button><select id="choice"><option>a</option></select>'


@pytest.fixture
def keys(part):
    """A part that notes the keys it heard; Ctrl+Enter also while typing."""
    shown = part("answers", {}, "")
    shown.page.evaluate(
        """(template) => {
          window.heard = [];
          const element = document.getElementById("part");
          element.innerHTML = template;
          const note = (key) => () => { window.heard.push(key); };
          const names = ["a", "1", "+", "Ctrl+z", "Ctrl+Enter", "ArrowLeft", "Shift+ArrowLeft"];
          leaml.onKeys(element, Object.fromEntries(names.map((key) => [key, note(key)])), ["Ctrl+Enter"]);
        }""",
        TEMPLATE,
    )
    return shown


def heard(keys) -> list[str]:
    return keys.page.evaluate("window.heard.splice(0)")


def test_keys_are_heard_anywhere_on_the_page(keys):
    keys.press("a", "1", "A", "Control+z", "Shift+ArrowLeft", "ArrowLeft")
    assert heard(keys) == ["a", "1", "a", "Ctrl+z", "Shift+ArrowLeft", "ArrowLeft"]


def test_nothing_but_what_is_meant_acts_while_somebody_writes(keys):
    for field in ("#field", "#choice"):
        keys.page.focus(field)
        keys.press("a", "1", "ArrowLeft", "Control+z")
        assert heard(keys) == []
        keys.press("Control+Enter")
        assert heard(keys) == ["Ctrl+Enter"]


def test_a_focused_button_leaves_the_keys_to_the_part(keys):
    keys.page.focus("#button")
    keys.press("a")
    assert heard(keys) == ["a"]


def test_a_key_that_is_held_down_acts_once(keys):
    for _ in range(3):
        keys.page.keyboard.down("a")
    keys.page.keyboard.up("a")
    assert heard(keys) == ["a"]


def test_keys_of_a_hidden_tab_do_nothing(keys):
    keys.page.evaluate("document.getElementById('part').parentElement.style.display = 'none'")
    keys.press("a")
    assert heard(keys) == []


def test_a_part_that_is_gone_hears_nothing(keys):
    keys.page.evaluate("document.getElementById('part').remove()")
    keys.press("a", "a")
    assert heard(keys) == []


def test_a_digit_is_known_by_its_place_on_any_layout(keys):
    keys.page.evaluate(
        "document.body.dispatchEvent(new KeyboardEvent('keydown', {key: '&', code: 'Digit1', bubbles: true}))"
    )
    assert heard(keys) == ["1"]


def test_one_request_at_a_time(keys):
    sent = keys.page.evaluate(
        """() => {
          const ask = leaml.requests("one");
          const sent = [ask({ n: 1 }), ask({ n: 2 })];
          leaml.settled("one");
          return [...sent, ask({ n: 3 }), leaml.payload("one").n];
        }"""
    )
    assert sent == [True, False, True, 3]


def test_a_question_mark_shows_the_keys_and_nothing_else_hears_any_until_it_is_closed(keys):
    keys.press("?", "a")
    assert "undo" in keys.text("dialog") and heard(keys) == []
    keys.press("Escape")
    keys.page.wait_for_selector("dialog", state="detached")
    keys.press("a")
    assert heard(keys) == ["a"]
