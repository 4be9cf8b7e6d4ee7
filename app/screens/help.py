"""The Help tab: the way through, the keys, and what this is not."""

import gradio as gr

from app.screens import Screen
from app.texts import frame as texts


class Help(Screen):
    """A page to read."""

    key = "help"

    def build(self) -> None:
        gr.Markdown(texts.HELP, elem_id="help-text")
