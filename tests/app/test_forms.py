"""A form shows every option of its model, and gives back what was typed or says what is wrong with it."""

import gradio as gr
import pytest

from app.forms import CopyButton, Form
from app.texts import options as texts
from leaml.errors import OptionError
from leaml.jobs.queue import KINDS
from leaml.options import AdaptOptions, AnswerOptions, DistilOptions, GenerateOptions


def built(kind: str, options, without=()) -> Form:
    form = Form(kind, options, without)
    with gr.Blocks(analytics_enabled=False):
        form.build()
    return form


def typed(form: Form, **changed) -> list:
    """The values of the inputs as they stand at first, but for those named."""
    values = {name: part.value for name, part in zip(form.names, form.inputs, strict=True)}
    return list((values | changed).values())


@pytest.mark.parametrize("kind", KINDS)
def test_every_option_has_an_input_with_its_own_help(kind):
    form = built(kind, KINDS[kind])
    assert form.names == list(KINDS[kind].model_fields)
    for name, part in zip(form.names, form.inputs, strict=True):
        assert part.info == KINDS[kind].model_fields[name].description
        assert part.label == texts.name(name)


def needs_nothing(kind: str) -> bool:
    return not any(field.is_required() for field in KINDS[kind].model_fields.values())


@pytest.mark.parametrize("kind", list(filter(needs_nothing, KINDS)))
def test_a_form_that_nobody_touched_gives_the_defaults(kind):
    form = built(kind, KINDS[kind])
    assert form.read(typed(form)) == KINDS[kind]()


def test_what_was_typed_comes_back_and_is_shown_again():
    form = built("adapt", AdaptOptions)
    options = form.read(typed(form, method="neurons", steps=20, use_suggestions=False, model=" nano "))
    assert options == AdaptOptions(method="neurons", steps=20, use_suggestions=False)
    shown = form.fill(options)
    assert form.read([shown[part] for part in form.inputs]) == options


def test_an_empty_input_is_the_default():
    form = built("generate", GenerateOptions)
    assert form.read(typed(form, generator=None, temperature=None, model="")) == GenerateOptions()


def test_lines_are_members_of_a_list():
    form = built("answer", AnswerOptions)
    options = form.read(typed(form, folder="pictures", questions="Is there a polyp?\n\n  How many?  "))
    assert options.questions == ("Is there a polyp?", "How many?")
    assert form.fill(options)[form.inputs[form.names.index("questions")]] == "Is there a polyp?\nHow many?"


def test_what_cannot_be_used_is_named_as_the_form_names_it_with_its_help():
    form = built("distil", DistilOptions)
    with pytest.raises(OptionError) as caught:
        form.read(typed(form, fraction=7))
    assert caught.value.what.startswith(f"{texts.name('fraction')} cannot be 7")
    assert DistilOptions.model_fields["fraction"].description in caught.value.fix


def test_options_that_are_set_elsewhere_are_taken_from_there():
    form = built("generate", GenerateOptions, without=("model", "generator"))
    assert form.read(typed(form), model="other").model == "other"


def test_a_form_as_a_command():
    lines = CopyButton("distil").command_line(
        None, ("distil", DistilOptions(steps=20)), ("generate", GenerateOptions(model="a b"))
    )
    assert lines.splitlines() == [
        "python launch.py distill --steps 20",
        "python launch.py generate --model 'a b'",
    ]
