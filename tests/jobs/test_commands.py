"""Copy as command: what a form does, as words that a shell hands back unchanged."""

import shlex
from types import SimpleNamespace

import pytest

from leaml.__main__ import build_parser
from leaml.jobs.commands import VERBS, command_of, flag_of
from leaml.jobs.queue import KINDS
from leaml.options import AdaptOptions, AnswerOptions, CompareOptions, DistilOptions, GenerateOptions, ImportOptions
from leaml.store.project import Project
from leaml.verbs import flags

ODD = [
    DistilOptions(),
    DistilOptions(steps=20, learning_rate=1e-5, method="random", model="/models/it's mine"),
    GenerateOptions(generator=3, temperature=0.1),
    AdaptOptions(use_suggestions=False, method="neurons"),
    CompareOptions(adapters=(4, 2), on="calibration"),
    AnswerOptions(folder="new $(pictures)", questions=("Is there “a” polyp?", "--help", "-1"), adapter=0),
    ImportOptions(folder="my pictures; rm -rf", labels=10, seed=7),
]


def test_every_kind_of_job_has_its_verb():
    verbs = {verb.dest: verb for verb in build_parser()._actions}["verb"].choices
    assert VERBS.keys() == KINDS.keys() and set(VERBS.values()) <= verbs.keys()


@pytest.mark.parametrize("options", ODD)
def test_the_command_gives_back_the_same_options(options):
    kind = next(name for name, model in KINDS.items() if model is type(options))
    words = shlex.split(command_of(kind, options))
    assert words[:2] == ["python", "launch.py"]
    assert flags.read(build_parser().parse_args(words[2:]), type(options)) == options


def test_defaults_are_left_out():
    assert command_of("distil", DistilOptions()) == "python launch.py distill"
    assert command_of("distil", DistilOptions(steps=20)) == "python launch.py distill --steps 20"


def test_the_project_is_named_by_name_at_home_and_by_folder_elsewhere(tmp_path, monkeypatch):
    monkeypatch.setenv("LEAML_HOME", str(tmp_path))
    at_home = Project.create(tmp_path / "polyps")
    assert command_of("adapt", AdaptOptions(), at_home) == "python launch.py adapt --project polyps"
    elsewhere = Project.create(tmp_path / "a b" / "polyps")
    assert shlex.split(command_of("adapt", AdaptOptions(), elsewhere))[-1] == str(elsewhere.folder)


def test_windows_gets_its_own_quoting(monkeypatch):
    monkeypatch.setattr("leaml.jobs.commands.os", SimpleNamespace(name="nt"))
    options = AnswerOptions(folder="C:\\my pictures", questions=('A "polyp"?',))
    line = command_of("answer", options)
    assert line == 'python launch.py predict "C:\\my pictures" --questions "A \\"polyp\\"?"'


def test_a_flag_is_the_name_with_dashes():
    assert flag_of("learning_rate") == "--learning-rate"
