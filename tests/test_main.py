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
    module.add_options = lambda parser, verb: parser.add_argument("--times", type=int, default=1)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return command_line.main(words, [command_line.Verb("act", "acts", module.__name__)])


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


def test_a_stop_may_say_how_to_go_on(monkeypatch, capsys):
    def stop(arguments):
        raise KeyboardInterrupt("Go on with it: this way")

    assert run_verb(monkeypatch, interrupt, ["act"]) == run_verb(monkeypatch, stop, ["act"]) == 130
    assert capsys.readouterr().err == "Stopped.\nGo on with it: this way\n"


def test_only_the_verb_that_is_called_is_imported(capsys):
    verbs = [*command_line.VERBS, command_line.Verb("broken", "cannot be imported", "no_such_module")]
    assert command_line.main(["jobs", "list", "--home", "nowhere"], verbs) == 2
    with pytest.raises(ModuleNotFoundError):
        command_line.main(["broken"], verbs)


def test_a_fault_of_the_program_keeps_its_trace(monkeypatch):
    with pytest.raises(ZeroDivisionError):
        run_verb(monkeypatch, lambda arguments: 1 // 0, ["act"])


def test_the_options_of_demo():
    words = ["demo", "--data", "folder", "--labels", "5", "--json", "out.json", "--seed", "3"]
    arguments = command_line.build_parser().parse_args(words)
    assert (arguments.module, arguments.data, arguments.labels) == ("leaml.demo", Path("folder"), 5)
    assert (arguments.json, arguments.seed, arguments.trace) == (Path("out.json"), 3, False)


@pytest.mark.parametrize("words", [[], ["no-such-verb"], ["demo", "--labels", "many"], ["jobs"], ["jobs", "show", "x"]])
def test_what_cannot_be_understood_is_exit_code_2(words, capsys):
    with pytest.raises(SystemExit) as raised:
        command_line.main(words)
    assert raised.value.code == 2
    assert "usage: leaml" in capsys.readouterr().err


VERBS = [[verb.name] for verb in command_line.VERBS]


@pytest.mark.parametrize("verb", [[], *VERBS, ["review", "accept"]], ids=" ".join)
def test_every_verb_has_help(verb, capsys):
    with pytest.raises(SystemExit) as raised:
        command_line.main([*verb, "--help"])
    assert raised.value.code == 0
    assert "--help" in capsys.readouterr().out


def test_who_reads_may_stop_reading(tmp_path):
    words = [sys.executable, "-m", "leaml", "init", "One", "--home", str(tmp_path)]
    started = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    started.stdout.close()
    assert "Traceback" not in started.stderr.read()
    assert started.wait(timeout=60) == 0 and (tmp_path / "one").is_dir()


def test_it_starts_as_a_module():
    words = [sys.executable, "-m", "leaml", "--version"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout.split()[0]) == (0, "leaml")
