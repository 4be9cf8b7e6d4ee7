"""Handlers are called with what they need; what goes wrong is said, and nothing that was typed is lost."""

import gradio as gr
import pytest

from app.context import Context
from app.listening import Handler, Said, in_order
from app.texts import frame as texts
from leaml.errors import DataError

KEEP = gr.skip()


@pytest.fixture
def context(tmp_path) -> Context:
    context = Context(tmp_path)
    context.create("Polyps")
    return context


def handler(context, function, outputs=("a", "b"), guarded=False, quiet=False) -> Handler:
    return Handler(context, function, outputs, guarded, quiet)


def test_values_come_back_in_the_order_of_the_outputs(context):
    assert handler(context, lambda: {"b": 2}).once() == [KEEP, 2, ""]
    assert handler(context, lambda: (1, 2)).once() == [1, 2, ""]
    assert handler(context, lambda: None).once() == [KEEP, KEEP, ""]
    assert handler(context, lambda: 1, ["a"]).once() == [1, ""]
    assert handler(context, lambda: gr.update(value=1), ["a"]).once() == [gr.update(value=1), ""]


def test_an_update_for_something_else_is_a_mistake_of_ours():
    with pytest.raises(KeyError):
        in_order({"c": 1}, ["a", "b"])


def test_what_was_done_is_said(context):
    *values, note = handler(context, lambda: Said("Saved <it>.", {"a": 1})).once()
    assert values == [1, KEEP]
    assert "Saved &lt;it&gt;." in note and 'role="status"' in note


def test_an_error_says_what_and_what_to_do_and_changes_nothing_else(context):
    def refuse():
        raise DataError("<b>The answer</b> is empty.", "Write it.")

    *values, note = handler(context, refuse).once()
    assert values == [KEEP, KEEP]
    assert "&lt;b&gt;The answer&lt;/b&gt; is empty." in note and "Write it." in note and 'role="alert"' in note


def test_a_mistake_is_said_without_its_trace_which_goes_into_the_log(context, caplog):
    *values, note = handler(context, lambda: 1 / 0).once()
    assert values == [KEEP, KEEP]
    assert texts.MISTAKE[0] in note and "ZeroDivisionError" not in note
    assert "ZeroDivisionError" in caplog.text


def test_a_quiet_handler_leaves_the_message_unless_something_is_wrong(context):
    assert handler(context, lambda: None, quiet=True).once()[-1] == KEEP
    assert texts.MISTAKE[0] in handler(context, lambda: 1 / 0, quiet=True).once()[-1]


def test_a_window_that_shows_another_project_is_refused(context):
    done = []
    guarded = handler(context, done.append, [], guarded=True)
    assert texts.OTHER_PROJECT[0] in guarded.once("other", 1)[-1]
    assert done == []
    guarded.once("polyps", 1)
    assert done == [1]


def test_a_stream_passes_on_what_comes_until_something_goes_wrong(context):
    def answers():
        yield {"a": "one"}
        yield {"a": "one, two"}
        raise DataError("The model is gone.")

    rows = list(handler(context, answers).stream())
    assert [row[0] for row in rows] == ["one", "one, two", KEEP]
    assert "The model is gone." in rows[-1][-1]
