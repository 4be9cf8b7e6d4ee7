"""The command line: verbs are found, loaded late, and errors are said in two lines."""

import argparse
import subprocess
import sys
import types
from pathlib import Path

import pytest

from leaml import __main__ as command_line
from leaml.errors import OptionError

ROOT = Path(__file__).resolve().parents[1]


def run_verb(monkeypatch, work, words: list[str]) -> int:
    """Run `words` with one verb, `act [--times N]`, whose module's main is `work`."""
    module = types.ModuleType("verb_of_a_test")
    module.main = work
    monkeypatch.setitem(sys.modules, module.__name__, module)

    def add_options(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--times", type=int, default=1)

    return command_line.main(words, [command_line.Verb("act", "acts", module.__name__, add_options)])


def fail(arguments: argparse.Namespace) -> int:
    raise OptionError("You asked for -1 labels.", "Ask for one or more.")


def interrupt(arguments: argparse.Namespace) -> int:
    raise KeyboardInterrupt


def test_a_verb_gets_its_options_and_returns_the_exit_code(monkeypatch):
    assert run_verb(monkeypatch, lambda arguments: arguments.times, ["act", "--times", "7"]) == 7


def test_an_error_is_two_lines_and_exit_code_2(monkeypatch, capsys):
    assert run_verb(monkeypatch, fail, ["act"]) == 2
    assert capsys.readouterr().err == "You asked for -1 labels.\nAsk for one or more.\n"


def test_trace_shows_where_an_error_arose(monkeypatch):
    with pytest.raises(OptionError):
        run_verb(monkeypatch, fail, ["act", "--trace"])


def test_a_stop_by_the_user_is_exit_code_130(monkeypatch):
    assert run_verb(monkeypatch, interrupt, ["act"]) == 130


def test_a_fault_of_the_program_keeps_its_trace(monkeypatch):
    with pytest.raises(ZeroDivisionError):
        run_verb(monkeypatch, lambda arguments: 1 // 0, ["act"])


def test_the_options_of_demo():
    words = ["demo", "--data", "folder", "--labels", "5", "--json", "out.json", "--seed", "3"]
    arguments = command_line.build_parser().parse_args(words)
    assert (arguments.module, arguments.data, arguments.labels) == ("leaml.demo", Path("folder"), 5)
    assert (arguments.json, arguments.seed, arguments.trace) == (Path("out.json"), 3, False)


@pytest.mark.parametrize("words", [[], ["no-such-verb"], ["demo", "--labels", "many"]])
def test_what_cannot_be_understood_is_exit_code_2(words, capsys):
    with pytest.raises(SystemExit) as raised:
        command_line.main(words)
    assert raised.value.code == 2
    assert "usage: leaml" in capsys.readouterr().err


@pytest.mark.parametrize("verb", [[], *([verb.name] for verb in command_line.VERBS)])
def test_every_verb_has_help(verb, capsys):
    with pytest.raises(SystemExit) as raised:
        command_line.main([*verb, "--help"])
    assert raised.value.code == 0
    assert "--help" in capsys.readouterr().out


def test_it_starts_as_a_module():
    words = [sys.executable, "-m", "leaml", "--version"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout.split()[0]) == (0, "leaml")
