"""Options models as flags and back: `--learning-rate 0.01` is the field `learning_rate`, and pydantic checks its value.

    add_flags(parser, DistilOptions)
    options = read(parser.parse_args(), DistilOptions)      # OptionError, in the option's own words
"""

import argparse
from collections.abc import Collection
from typing import Literal, TypeVar, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic.fields import FieldInfo

from leaml.jobs.commands import flag_of
from leaml.options import Options

Chosen = TypeVar("Chosen", bound=Options)


def add_flags(parser: argparse.ArgumentParser, options: type[Options], leave_out: Collection[str] = ()) -> None:
    """Declares one flag per option; one without a default is a word by its place.

    Values are taken as text: type and range are checked by the model, in one place, when they are read.
    """
    for name, field in options.model_fields.items():
        if name not in leave_out:
            _add(parser, name, field)


def read(arguments: argparse.Namespace, options: type[Chosen]) -> Chosen:
    """The options that were given, and the defaults of the others.

    Raises:
        OptionError: a value is of the wrong kind or out of its range.
    """
    given = {name: getattr(arguments, name) for name in options.model_fields if hasattr(arguments, name)}
    return options(**given)


def help_of(field: FieldInfo) -> str:
    """The option's description, its range and its default: "Training steps. 1 to 1000000; default 150."""
    default = "" if field.is_required() else default_of(field)
    facts = "; ".join(filter(None, (range_of(field), f"default {default}" if default else "")))
    return f"{field.description} {facts[:1].upper()}{facts[1:]}." if facts else str(field.description)


def default_of(field: FieldInfo) -> str:
    """The default as people write it; nothing where the description says what none means."""
    if field.default is None or field.default in ((), ""):
        return ""
    if field.annotation is bool:
        return "yes" if field.default else "no"
    return f"{field.default:g}" if isinstance(field.default, float) else str(field.default)


def range_of(field: FieldInfo) -> str:
    """What values a number may take, from the model's own bounds; nothing where there are none."""
    low = high = ""
    for bound in field.metadata:
        match bound:
            case Ge(ge=value):
                low = f"{value:g}"
            case Gt(gt=value):
                low = f"above {value:g}"
            case Le(le=value):
                high = f"{value:.15g}"
            case Lt(lt=value):
                high = f"below {value:.15g}"
    if low and high:
        return f"{low} to {high}"
    return f"{low} or more" if low else high


def described(text: str) -> str:
    """A line of help as a sentence: what a verb's own help begins with."""
    return f"{text[:1].upper()}{text[1:]}."


def _add(parser: argparse.ArgumentParser, name: str, field: FieldInfo) -> None:
    text = help_of(field).replace("%", "%%")
    if field.is_required():
        parser.add_argument(name, metavar=name.upper(), help=text)
    elif field.annotation is bool:
        parser.add_argument(
            flag_of(name), action=argparse.BooleanOptionalAction, default=argparse.SUPPRESS, help=text
        )
    else:
        several = {"action": "extend", "nargs": "+"} if get_origin(field.annotation) is tuple else {}
        metavar = _metavar(field)
        parser.add_argument(flag_of(name), default=argparse.SUPPRESS, metavar=metavar, help=text, **several)


def _metavar(field: FieldInfo) -> str:
    """What stands behind the flag in the help: the words to choose from, else the kind of value."""
    annotation = field.annotation
    if get_origin(annotation) is Literal:
        return "{" + ",".join(get_args(annotation)) + "}"
    kinds = {annotation, *get_args(annotation)}
    return "N" if int in kinds else "X" if float in kinds else "TEXT"
