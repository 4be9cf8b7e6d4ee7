"""Flags are made from the options models, and what is typed behind them is checked by the models."""

import argparse

import pytest

from leaml.errors import OptionError
from leaml.jobs.queue import KINDS
from leaml.options import AdaptOptions, AnswerOptions, CompareOptions, DistilOptions, GenerateOptions
from leaml.verbs.flags import add_flags, help_of, range_of, read


def parsed(options, *words):
    parser = argparse.ArgumentParser()
    add_flags(parser, options)
    return read(parser.parse_args(words), options)


@pytest.mark.parametrize("options", [DistilOptions, GenerateOptions, AdaptOptions, CompareOptions])
def test_no_flag_means_the_defaults(options):
    assert parsed(options) == options()


def test_values_are_read_by_their_type():
    options = parsed(DistilOptions, "--steps", "7", "--learning-rate", "1e-4", "--method", "random")
    assert (options.steps, options.learning_rate, options.method) == (7, 1e-4, "random")
    assert not parsed(AdaptOptions, "--no-use-suggestions").use_suggestions
    assert parsed(CompareOptions, "--adapters", "1", "2", "--adapters", "3").adapters == (1, 2, 3)


def test_an_option_without_default_is_a_word():
    options = parsed(AnswerOptions, "new", "--questions", "Is there a polyp?", "--adapter", "0")
    assert (options.folder, options.questions, options.adapter) == ("new", ("Is there a polyp?",), 0)


@pytest.mark.parametrize("words", [["--steps", "0"], ["--steps", "many"], ["--method", "best"], ["--fraction", "nan"]])
def test_what_the_model_refuses_is_said_with_its_help(words):
    with pytest.raises(OptionError, match=f"{words[0][2:]} cannot be") as caught:
        parsed(DistilOptions, *words)
    assert "Default" in caught.value.fix


@pytest.mark.parametrize("options", KINDS.values())
def test_every_flag_has_help_with_range_and_default(options):
    parser = argparse.ArgumentParser()
    add_flags(parser, options)
    shown = " ".join(parser.format_help().split())
    for name, field in options.model_fields.items():
        assert " ".join(field.description.split()) in shown, name


def test_help_tells_range_and_default():
    fields = DistilOptions.model_fields
    assert help_of(fields["steps"]) == "Training steps. 1 to 1000000; default 150."
    assert help_of(fields["learning_rate"]) == "Peak of the learning rate. Above 0 to 1; default 0.003."
    assert range_of(fields["save_every"]) == "1 or more"
    assert help_of(AdaptOptions.model_fields["use_suggestions"]).endswith("Default yes.")
    assert help_of(GenerateOptions.model_fields["generator"]).endswith("none: the newest. 1 or more.")
