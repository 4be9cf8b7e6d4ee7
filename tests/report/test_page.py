"""The page: every number in it can be traced to the JSON, nothing in it is fetched or run, and it prints."""

import io
import json
import re
from html.parser import HTMLParser

import pytest
from PIL import Image

from leaml.errors import StorageError
from leaml.report import printing
from leaml.report.document import document
from leaml.report.page import model_card, page, thumbnail
from leaml.report.plots import of_sets
from leaml.report.tracing import SHOWN, Traced, at, shown, traced
from tests.app.small_project import HOSTILE


@pytest.fixture(scope="module")
def whole(facts) -> dict:
    """As it is read from report.json."""
    return json.loads(json.dumps(document(facts)))


@pytest.fixture(scope="module")
def html(whole) -> str:
    stream = io.BytesIO()
    Image.new("RGB", (20, 10), "red").save(stream, "JPEG")
    return page(whole, {7: stream.getvalue()})


class Reader(HTMLParser):
    """Texts with their place in the document, and all that stands elsewhere; plots and styles are passed over."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.traced: list[tuple[str, str, str]] = []
        self.elsewhere, self.tags, self.addresses = "", set(), []
        self._open: list[dict] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list) -> None:
        named = dict(attributes)
        self.tags.add(tag)
        self.addresses += [named[name] for name in ("src", "href", "xlink:href") if name in named]
        if tag not in ("meta", "img", "br"):
            self._open.append({"tag": tag, **named})

    def handle_endtag(self, tag: str) -> None:
        self._open.pop()

    def handle_data(self, text: str) -> None:
        if any(one["tag"] in ("svg", "style") for one in self._open):
            return
        place = self._open[-1] if self._open else {}
        if "data-path" in place:
            self.traced.append((place["data-path"], place["data-as"], text))
        else:
            self.elsewhere += text


def test_every_number_of_the_page_stands_in_the_json(whole, html):
    read = Reader(html)
    assert len(read.traced) > 150
    for path, how, text in read.traced:
        assert SHOWN[how](at(whole, path)) == text, path
    assert re.findall(r"[^\n]*[0-9][^\n]*", read.elsewhere) == [], "written without its place"


def test_a_template_cannot_write_a_number_without_its_place(whole):
    with pytest.raises(TypeError, match=r"sets\.0\.questions"):
        f"{Traced(412, 'sets.0.questions')}"
    with pytest.raises(TypeError, match="say how it is shown"):
        Traced(412, "sets.0.questions").__html__()
    written = shown("count")(traced(whole).sets[0].questions)
    assert written == '<span data-path="sets.0.questions" data-as="count">412</span>'


def test_nothing_is_fetched_and_nothing_runs(html):
    read = Reader(html)
    assert all(address.startswith(("data:image/jpeg", "#")) for address in read.addresses)
    assert not read.tags & {"script", "link", "iframe", "object", "form"} and "default-src 'none'" in html
    assert HOSTILE not in html and "&lt;img src=x" in html


def test_each_part_is_there_with_its_figures(html):
    text = re.sub(r"<[^>]+>", "", html)
    for expected in (
        "Better than the base model", "79 % [75, 83]", "+38 [+34, +42]", "within one: 89 % [85, 93]", "48 put right",
        "9 broken", "of the cases; by chance in half of them", "The temperature", "12 answers are too few",
        "Adapted better, of those decided", "They took 94 min", "327,680 weights", "learning_rate 0.002",
        "other clinic (55 pictures) against test (90)",
        "What this cannot tell",
    ):  # fmt: skip
        assert expected in text, expected


def test_a_temperature_at_its_limit_is_said(whole, html):
    assert "as far as it can go" not in html
    at_limit = json.loads(json.dumps(whole))
    at_limit["sets"][0]["adapted"]["trust"]["closed"]["temperature_limit"] = "upper"
    assert "says nothing of whether it is right" in page(at_limit)


def test_plots_are_drawn_where_there_is_enough_and_do_not_share_names(whole):
    [drawn] = of_sets(whole["sets"])
    assert {name for name, svg in drawn.items() if svg} == {"rates", "by_kind", "closed_reliability", "closed_risk"}
    ids = re.findall(r'<clipPath id="([^"]+)"', "".join(drawn.values()))
    assert len(ids) == len(set(ids)) > 3
    assert "multiple choice (120)" in drawn["by_kind"] and "open (12)" not in drawn["by_kind"]
    assert "<metadata>" not in "".join(drawn.values()) and HOSTILE not in drawn["rates"]


def test_the_card_is_markdown_that_hostile_texts_do_not_break(whole):
    card = model_card(whole)
    head = card.split("---")[1]
    assert "library_name: peft" in head and "base_model" not in head
    assert "<img" not in card and "79 % \\[75, 83\\]" in card and "not a medical device" in card.lower()
    named = model_card(whole | {"model": whole["model"] | {"base": "org/na_me"}})
    assert 'base_model: "org/na_me"' in named


def test_without_a_comparison_page_and_card_say_so(facts):
    empty = document(type(facts)(**{name: getattr(facts, name) for name in ("title", "made", "version", "model")}))
    assert "Nothing was measured" in page(empty) and "Not measured yet" in model_card(empty)


def test_thumbnails_are_small_and_carry_nothing(tmp_path):
    exif = Image.Exif()
    exif[0x010E] = "Patient Miller"
    Image.new("L", (900, 600), 90).save(tmp_path / "one.jpg", exif=exif)
    small = thumbnail(tmp_path / "one.jpg")
    assert Image.open(io.BytesIO(small)).size == (200, 133) and b"Miller" not in small and len(small) < 4000


@pytest.mark.browser
def test_it_prints_on_a4(html, tmp_path):
    (tmp_path / "report.html").write_text(html, encoding="utf-8")
    printing.print_pdf(tmp_path / "report.html", tmp_path / "report.pdf")
    data = (tmp_path / "report.pdf").read_bytes()
    assert data.startswith(b"%PDF") and data.count(b"/Type /Page\n") >= 3
    boxes = {tuple(map(float, box.split())) for box in re.findall(rb"/MediaBox \[([^\]]+)\]", data)}
    assert {(round(w), round(h)) for _, _, w, h in boxes} <= {(595, 842), (596, 842), (595, 841), (596, 843)}


def test_without_a_browser_it_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr(printing.shutil, "which", lambda name: None)
    with pytest.raises(StorageError, match="no Chromium") as error:
        printing.print_pdf(tmp_path / "report.html", tmp_path / "report.pdf")
    assert "print it" in error.value.fix
