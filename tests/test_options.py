"""Options: defaults that hold, ranges that are kept, and a fault said in the user's words."""

import pytest
from pydantic import ValidationError

from leaml import options
from leaml.errors import OptionError
from leaml.models.neurons import METHODS, SCOPES
from leaml.options import AdaptOptions, DistilOptions, GenerateOptions, Options, PredictOptions

STAGES = (DistilOptions, GenerateOptions, AdaptOptions, PredictOptions)


@pytest.mark.parametrize("stage", STAGES)
def test_every_option_has_a_default_and_help_that_ends_with_a_full_stop(stage):
    assert stage() == stage(**stage().model_dump())
    for name, field in stage.model_fields.items():
        assert field.description and field.description.endswith("."), name


@pytest.mark.parametrize(
    ("stage", "value"),
    [
        (DistilOptions, {"steps": 0}), (DistilOptions, {"learning_rate": 0}), (DistilOptions, {"fraction": 1.1}),
        (DistilOptions, {"method": "best"}), (DistilOptions, {"caption_weight": -1}), (AdaptOptions, {"rank": 0}),
        (AdaptOptions, {"label_share": 2}), (AdaptOptions, {"seed": -1}), (AdaptOptions, {"seed": 2**32}),
        (GenerateOptions, {"temperature": 0}), (GenerateOptions, {"top_p": 0}), (GenerateOptions, {"seed": "x"}),
        (PredictOptions, {"batch_size": 0}), (PredictOptions, {"max_tokens": float("nan")}),
    ],
)  # fmt: skip
def test_a_value_out_of_range_is_named_with_its_help(stage, value):
    (name,) = value
    with pytest.raises(OptionError, match=f"{name} cannot be") as caught:
        stage(**value)
    assert stage.model_fields[name].description in caught.value.fix
    assert str(stage.model_fields[name].default) in caught.value.fix


def test_an_unknown_option_is_refused_with_those_there_are():
    with pytest.raises(OptionError, match="no option 'stepz'") as caught:
        AdaptOptions(stepz=3)
    assert "steps" in caught.value.fix


def test_stored_options_are_checked_too():
    with pytest.raises(OptionError, match="steps cannot be 0"):
        AdaptOptions.model_validate({"steps": 0})
    with pytest.raises(OptionError, match="steps cannot be 0"):
        AdaptOptions.model_validate_json('{"steps": 0}')


def test_options_stay_as_they_were_made():
    made = AdaptOptions()
    with pytest.raises(ValidationError):
        made.steps = 3


def test_choices_are_those_that_the_code_knows():
    assert set(DistilOptions.model_fields["method"].annotation.__args__) == set(METHODS)
    assert set(DistilOptions.model_fields["scope"].annotation.__args__) == set(SCOPES)


def test_warm_up_never_outlasts_a_fifth_of_the_run():
    assert [AdaptOptions(steps=steps).warmup for steps in (1, 10, 150, 10_000)] == [0, 2, 30, 30]


def test_every_options_model_derives_from_the_base():
    made = [
        value for value in vars(options).values() if isinstance(value, type) and value.__module__ == "leaml.options"
    ]
    assert all(issubclass(one, Options) for one in made)
