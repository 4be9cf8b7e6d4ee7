"""The reference of the verbs in the README is the program's own. Refresh: python -m leaml.verbs.reference --write"""

import pytest

from leaml.__main__ import VERBS, build_parser
from leaml.verbs import reference


def test_the_readme_has_todays_reference():
    readme = reference.README.read_text(encoding="utf-8")
    assert readme == reference.written(readme), "run: python -m leaml.verbs.reference --write"


def test_every_verb_and_every_option_stands_in_it():
    text = reference.reference()
    for words in (*(verb.name for verb in VERBS), "review accept N …", "jobs resume N", "export FOLDER"):
        assert f"| `{words}" in text and f"**`{words}" in text
    assert "`--caption-weight X`" in text and "0 to 100; default 1" in text


def test_only_what_stands_between_the_markers_changes():
    readme = "before\n<!-- verbs -->\nof yesterday\n<!-- /verbs -->\nafter\n"
    new = reference.written(readme)
    assert new.startswith("before\n<!-- verbs -->\n") and new.endswith("\n<!-- /verbs -->\nafter\n")
    assert "of yesterday" not in new and reference.written(new) == new


def test_a_readme_without_markers_is_a_fault():
    with pytest.raises(ValueError, match="<!-- verbs -->"):
        reference.written("no markers")


def test_it_writes_into_the_readme(monkeypatch, tmp_path, capsys):
    readme = tmp_path / "README.md"
    readme.write_text("<!-- verbs -->\n<!-- /verbs -->\n", encoding="utf-8")
    monkeypatch.setattr(reference, "README", readme)
    assert reference.main([]) == 0 and reference.main(["--write"]) == 0
    assert capsys.readouterr().out.strip() in readme.read_text(encoding="utf-8")
    assert build_parser().prog == "leaml"
