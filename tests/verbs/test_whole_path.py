"""The whole path through the command line, on a small phantom and a tiny model: every long verb is a real process."""

import csv
import json
import shutil

import pytest
from PIL import Image
from safetensors.torch import load_file

from leaml.store.project import Project
from tests import tiny_loop

QUICK = ("--steps", 2, "--pictures-per-step", 2)


@pytest.mark.slow
def test_from_an_empty_home_to_answers_about_new_pictures(leaml, home, phantom, model, tmp_path, capsys):
    def type_(*words):
        assert leaml(*words) == 0, capsys.readouterr().err
        return capsys.readouterr().out

    type_("init", "My polyps")
    type_("import", phantom)
    project = Project.open(home / "my-polyps")

    assert "Made generator 1 (number 1)" in type_("distill", "--model", model, *QUICK, "--fraction", 0.2)
    written = type_("generate", "--model", model, "--least-agreement", 0)
    waiting = [json.loads(line) for line in type_("review", "list", "--json").splitlines()]
    assert waiting and written.startswith(f"{len(waiting)} suggestions pass the filter")
    type_("review", "accept", "--all", "--person", "filter")
    assert len(project.accepted()) == len(waiting)

    made = json.loads(type_("adapt", "--model", model, *QUICK, "--method", "neurons", "--fraction", 0.2, "--json"))
    assert made["state"] == "done" and made["result"]["adapter"] == 2
    used = {row["item_id"] for row in project.db.rows("inputs", job_id=made["id"], kind="pair")}
    assert used == {pair.id for pair in [*project.labels(), *project.accepted()]}

    table = type_("compare", "--model", model, "--max-tokens", 4).splitlines()
    assert table[0] == "test:"
    assert [line.split("  ")[0] for line in table[1:]] == ["blind majority", "base", "adapted 1"]
    assert "against base" in table[3]

    new = tmp_path / "new"
    new.mkdir()
    Image.new("RGB", (40, 30), "red").save(new / "one.png")
    asked = ("Is there a polyp?", "How many?")
    type_("predict", new, "--model", model, "--questions", *asked, "--max-tokens", 4, "--out", tmp_path / "answers.csv")
    with (tmp_path / "answers.csv").open(encoding="utf-8-sig", newline="") as file:
        answers = list(csv.DictReader(file))
    assert [(row["picture"], row["question"]) for row in answers] == [("one.png", text) for text in asked]

    said = type_("report", "--out", tmp_path / "report").splitlines()
    assert [line.rsplit("/", 1)[1] for line in said] == ["report.html", "report.json", "MODEL_CARD.md"]
    assert "adapted 1" in (tmp_path / "report" / "report.html").read_text(encoding="utf-8")

    assert type_("export", tmp_path / "out", "--parts", "adapter", "lora").strip() == str(tmp_path / "out")
    assert json.loads((tmp_path / "out" / "lora" / "adapter_config.json").read_text())["peft_type"] == "LORA"
    assert all("lora_" in name for name in load_file(tmp_path / "out" / "lora" / "adapter_model.safetensors"))
    exported = {path.name for path in (tmp_path / "out" / "adapter").iterdir()}
    assert exported >= {"adapter_config.json", "adapter_model.safetensors"}

    listed = [json.loads(line) for line in type_("jobs", "list", "--json").splitlines()]
    assert [job["kind"] for job in listed] == [
        "export", "report", "answer", "compare", "adapt", "generate", "distil", "import",
    ]  # fmt: skip
    assert {job["state"] for job in listed} == {"done"}


def test_a_whole_model_is_exported_as_a_model_alone(leaml, project, model, tmp_path, monkeypatch, capsys):
    tiny_loop.run_jobs_here(monkeypatch)
    folder = project.folder / "runs" / "1" / "model"
    shutil.copytree(model, folder)
    project.add_adapter(1, "adapted 1", "answers", "full", folder, str(model), 1, 1)
    assert leaml("export", tmp_path / "out", "--parts", "lora", "merged") == 0, capsys.readouterr().err
    assert "adapted 1 is a whole model" in capsys.readouterr().out
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"merged", "MODEL_CARD.md", "SHA256SUMS"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["export", "out"], "There is no adapted model yet."),
        (["export", "out", "--adapter", "7"], "There is no adapted model 7"),
        (["export", "out", "--parts", "everything"], "parts cannot be 'everything'"),
        (["report"], "Nothing was compared yet."),
        (["predict", "nowhere"], "There is no folder nowhere."),
    ],
)
def test_what_is_not_there_is_said(leaml, project, tmp_path, monkeypatch, words, said, capsys):
    tiny_loop.run_jobs_here(monkeypatch)
    monkeypatch.chdir(tmp_path)
    assert leaml(*words) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
