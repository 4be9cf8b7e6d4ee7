"""Hostile text on the cards of Label and Review, and in messages: it is read, and nothing of it runs."""

from html.parser import HTMLParser

import pytest

from app.listening import note
from tests.app.drawn import test_label, test_review
from tests.hostile import HOSTILE_TEXTS

texts = pytest.mark.parametrize("text", HOSTILE_TEXTS, ids=repr)


@pytest.fixture(scope="module")
def shown(page):
    """`shown("review", value, text)` puts a card on the page: what of `text` can be read, and whether any of it ran."""
    page.goto("http://part.test/")
    page.evaluate("localStorage.clear()")

    def put(name: str, value: dict, text: str) -> tuple[bool, bool, int]:
        page.evaluate("([name, value]) => window.start(name, value, '')", [name, value])
        found = page.evaluate(
            "(text) => [document.getElementById('part').textContent.includes(text),"
            " [...document.querySelectorAll('#part *')].filter((one) =>"
            " /^(script|iframe|img|svg|math|object|embed|style)$/i.test(one.tagName)"
            " || one.getAttributeNames().some((name) => name.startsWith('on'))).length]",
            text,
        )
        page.wait_for_timeout(10)
        return found[0], page.evaluate("window.hacked === undefined"), found[1]

    return put


@pytest.mark.browser
@texts
def test_the_review_card_shows_it_as_text(shown, text):
    item = {
        "question": text, "answer": text, "choices": [text], "decided": text, "why": text, "comments": [text],
        "on_picture": text, "was": {"question": text, "answer": "x"},
        "beside": [{"id": 1, "question": text, "answer": text, "state": text}] * 2,
    }  # fmt: skip
    value = test_review.value(item=item, said=text, standing=text, people=[text, text])
    assert shown("review", value, text) == (True, True, 0)
    blind = test_review.value(item=item | test_review.BLIND, said=text)
    assert shown("review", blind, text) == (True, True, 0)


@pytest.mark.browser
@texts
def test_the_label_form_shows_it_as_text(shown, text):
    rows = [{"question": text, "type": "single choice", "choices": [text, "no"]}]
    value = test_label.value(questions=rows, standing=text, said=text, blind=text)
    readable, calm, foreign = shown("label", value, text)
    assert (readable, calm, foreign) == (True, True, 0)


class Tags(HTMLParser):
    """The tags and the words of a piece of HTML."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags, self.words = set(), ""

    def handle_starttag(self, tag, attrs) -> None:
        self.tags.add(tag)
        assert not any(name.startswith("on") for name, _ in attrs)

    def handle_data(self, data) -> None:
        self.words += data


@texts
def test_a_message_says_it_as_text(text):
    parser = Tags()
    parser.feed(note(text, text, "wrong"))
    assert parser.tags == {"div", "p", "strong", "button"}
    assert parser.words.count(text) == 2
