"""A part of a screen alone in Chromium: its script and style, data by hand, and what it asks, without Gradio."""

import base64
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from app.texts import frame as texts

ASSETS = Path(__file__).resolve().parents[3] / "assets" / "app"

HARNESS = """
window.asked = [];
window.awaited = [];
leaml.words = () => (%s);
leaml.post = (name, asked) => {
  window.asked.push(asked);
  return new Promise((told, failed) => window.awaited.push({ told, failed }));
};
window.start = (name, value, template) => {
  const element = document.getElementById("part");
  element.innerHTML = template;
  const watchers = [];
  window.props = { value };
  const trigger = () => window.asked.push(leaml.payload(Object.keys(leaml.pending).pop()));
  window.part = { review: "review-card", label: "label-form" }[name] || "part";
  leaml.part(name, window.part, element, window.props, (_, callback) => watchers.push(callback), trigger);
  window.show = (next) => {
    window.props.value = next;
    watchers.forEach((callback) => callback());
  };
};
window.answer = async (next) => {
  const [one] = window.awaited.splice(0, 1);
  if (one) one.told(next.wrong ? next : { parts: { [window.part]: next } });
  else window.show(next);
  await new Promise((done) => setTimeout(done));
  if (!one) Object.keys(leaml.pending).forEach(leaml.settled);
};
window.fail = async () => {
  window.awaited.splice(0, 1)[0].failed(Object.assign(new Error(), { wrong: leaml.words().away }));
  await new Promise((done) => setTimeout(done));
};
"""
"""Stands in for server and Gradio: holds the value, tells the part when it changes, and notes what the part asks."""


@dataclass
class Part:
    """A part on its page."""

    page: Any

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def asked(self) -> list[dict[str, Any]]:
        """What was asked since the last call."""
        return self.page.evaluate("window.asked.splice(0)")

    def answer(self, value: dict[str, Any]) -> None:
        """The server answers the oldest of what is awaited, or shows something by itself."""
        self.page.evaluate("window.answer", value)

    def fail(self) -> None:
        """The server does not answer."""
        self.page.evaluate("window.fail()")

    def text(self, selector: str) -> str:
        return self.page.inner_text(selector)

    def texts(self, selector: str) -> list[str]:
        return self.page.eval_on_selector_all(selector, "found => found.map((one) => one.textContent)")


@pytest.fixture(scope="session")
def page(chromium: Any) -> Iterator[Any]:
    """One page for all tests of this folder. It has an address, so that it may keep things; nothing is fetched."""
    context = chromium.new_context(viewport={"width": 900, "height": 700})
    page = context.new_page()
    style = "".join(path.read_text(encoding="utf-8") for path in sorted(ASSETS.glob("*.css")))
    scripts = sorted(ASSETS.glob("*.js"), key=lambda path: path.name != "frame.js")
    script = "".join(f"<script>{text}</script>" for text in [*map(_text, scripts), HARNESS % json.dumps(texts.ALONE)])
    whole = f"<!doctype html><meta charset=utf-8><style>{style}</style>{script}<div><div id=part></div></div>"
    page.route("http://part.test/**", lambda route: route.fulfill(body="", content_type="image/png"))
    page.route("http://part.test/", lambda route: route.fulfill(body=whole, content_type="text/html"))
    yield page
    context.close()


@pytest.fixture
def part(page: Any) -> Iterator[Callable[..., Part]]:
    """Puts `leaml.<name>` with a value on a fresh page. An error on the page fails the test."""
    errors: list[str] = []

    def note(error: Any) -> None:
        errors.append(str(error))

    def put(name: str, value: dict[str, Any], template: str = "") -> Part:
        page.goto("http://part.test/")
        page.evaluate("([name, value, template]) => window.start(name, value, template)", [name, value, template])
        return Part(page)

    page.on("pageerror", note)
    page.goto("http://part.test/")
    page.evaluate("localStorage.clear()")
    yield put
    page.remove_listener("pageerror", note)
    assert errors == []


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def picture_data() -> Callable[..., str]:
    """Makes a picture of one colour as a data address."""

    def make(width: int, height: int, colour: tuple[int, int, int] = (200, 120, 90)) -> str:
        stream = io.BytesIO()
        Image.new("RGB", (width, height), colour).save(stream, "PNG")
        return f"data:image/png;base64,{base64.b64encode(stream.getvalue()).decode()}"

    return make

