"""The export: whole, checked by sums, without a place of this disk, and loaded by plain transformers and peft."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from leaml.errors import DataError, StorageError
from leaml.jobs import queue
from leaml.jobs.packing import export
from leaml.models.adapters import add_lora, add_neuron_adapter
from leaml.models.framing import Framing
from leaml.models.load import load
from leaml.models.neurons import Selection
from leaml.models.structure import feed_forwards
from leaml.models.writing import Request, write
from leaml.options import ExportOptions
from leaml.records import Result
from leaml.store.formats import read_folder
from leaml.store.greys import Greys
from leaml.store.project import Answer, Project
from tests.jobs.conftest import make_project

ROOT = Path(__file__).resolve().parents[2]
QUESTION = "Is there a polyp?"


def selection(model) -> Selection:
    """Three neurons of every layer."""
    layers = feed_forwards(model)
    return Selection(
        {layer.name: torch.tensor([1, 4, 9]) for layer in layers}, {layer.name: layer.size for layer in layers}
    )


@pytest.fixture(scope="module", params=["lora", "neurons"])
def project(request, tmp_path_factory, model) -> Project:
    """With one adapter of either kind, of which every weight was moved."""
    project = make_project(tmp_path_factory.mktemp("home") / "phantom")
    folder = project.folder / "runs" / "1" / "adapter"
    base = load(model).model
    if request.param == "lora":
        adapted = add_lora(base, 2, 2, "answers")
    else:
        adapted = add_neuron_adapter(base, selection(base), "answers")
    with torch.no_grad():
        for number, parameter in enumerate(p for p in adapted.parameters() if p.requires_grad):
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(number)))
    adapted.save_pretrained(folder, selected_adapters=["answers"])
    project.add_adapter(
        None, name="adapted 1", role="answers", kind=request.param, folder=folder / "answers", base=model, bytes=1,
        trained_weights=1,
    )  # fmt: skip
    mark = {"shape": "point", "points": [[0.25, 0.5]]}
    project.add_labels("Dr A", 12, [Answer("How many?", "2", "count", marks=[mark])])
    yield project
    project.close()


def exported(project: Project, folder: Path, **options) -> dict:
    """Runs the job's work here; what the job keeps."""
    wanted = ExportOptions(folder=str(folder), **options)
    job = queue.job(project, project.db.insert("jobs", {"kind": "export", "options": wanted.model_dump(mode="json")}))
    work = export(project, job, wanted)
    result = [event for event in work.events if isinstance(event, Result)][-1]
    return work.finish(result)


@pytest.fixture(scope="module")
def whole(project, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("out") / "export"
    kept = exported(project, folder)
    assert kept["parts"] == ["MODEL_CARD.md", "SHA256SUMS", "adapter", "dataset", "lora", "merged"]
    return folder


def answers(model, processor, picture: Path) -> str:
    return write(model, Framing(processor), [Request(picture, QUESTION)], 6)[0].text


def test_every_part_answers_as_the_adapted_model_does(project, whole, model):
    """The LoRA and the merged model are loaded by libraries alone."""
    from peft import PeftModel
    from transformers import AutoModelForImageTextToText

    picture, loaded = project.picture(1).path, load(model, dtype=torch.float32)
    before = answers(loaded.model, loaded.processor, picture)
    lora = PeftModel.from_pretrained(load(model, dtype=torch.float32).model, whole / "lora")
    own = PeftModel.from_pretrained(load(model, dtype=torch.float32).model, whole / "adapter")
    merged = AutoModelForImageTextToText.from_pretrained(whole / "merged", dtype=torch.float32)
    after = answers(own, loaded.processor, picture)
    assert after != before and answers(lora, loaded.processor, picture) == after
    exact = own.merge_and_unload().state_dict()
    for name, weight in merged.state_dict().items():
        torch.testing.assert_close(weight, exact[name], rtol=2**-7, atol=1e-4, msg=name)
    stored = load_file(whole / "merged" / "model.safetensors")
    assert {weight.dtype for weight in stored.values()} == {torch.bfloat16}


def test_sums_hold_and_find_a_change(whole, tmp_path):
    lines = (whole / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    files = {path.relative_to(whole).as_posix() for path in whole.rglob("*") if path.is_file()} - {"SHA256SUMS"}
    assert {line.split("  ", 1)[1] for line in lines} == files
    check = ["sha256sum", "--check", "--quiet", "SHA256SUMS"]
    assert subprocess.run(check, cwd=whole).returncode == 0
    card = whole / "MODEL_CARD.md"
    before = card.read_bytes()
    card.write_bytes(before + b"!")
    assert subprocess.run(check, cwd=whole, capture_output=True).returncode != 0
    card.write_bytes(before)


def test_no_file_says_where_anything_lay(project, whole, model):
    for file in whole.rglob("*"):
        if file.is_file():
            data = file.read_bytes()
            for place in (model, str(project.folder), str(whole.parent)):
                assert place.encode() not in data, file.name
    config = json.loads((whole / "lora" / "adapter_config.json").read_text(encoding="utf-8"))
    assert config["base_model_name_or_path"] == Path(model).name and config["peft_type"] == "LORA"
    assert "# adapted 1" in (whole / "merged" / "README.md").read_text(encoding="utf-8")


def test_the_dataset_can_be_imported_again(project, whole):
    found = read_folder(whole / "dataset")
    assert len(found.images) == 12 and len(found.questions) == len(project.labels(split=None))
    lines = (whole / "dataset" / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    assert [row["marks"] for row in rows if "marks" in row] == [[{"shape": "point", "points": [[0.25, 0.5]]}]]
    assert len((whole / "dataset" / "captions.jsonl").read_text(encoding="utf-8").splitlines()) == 8


def test_true_values_of_a_picture_of_16_bits_come_along(tmp_path):
    project = make_project(tmp_path / "home" / "phantom")
    greys = Greys(0.0, 1.0, "HU", 40.0, 400.0, -1000.0, 3000.0, file="images/0.16.png")
    (project.folder / greys.file).write_bytes(b"numbers")
    project.db.record("", "import", [("images", 1, {}, {"greys": greys.as_json()})])
    exported(project, tmp_path / "data", parts=("dataset",))
    assert [path.name for path in (tmp_path / "data" / "dataset" / "values").iterdir()] == ["0.16.png"]
    assert len(list((tmp_path / "data" / "dataset" / "images").iterdir())) == 12
    project.close()


def test_parts_are_chosen_and_a_folder_with_files_is_left_alone(project, tmp_path):
    kept = exported(project, tmp_path / "data", parts=("dataset",))
    assert kept["parts"] == ["MODEL_CARD.md", "SHA256SUMS", "dataset"]
    with pytest.raises(StorageError, match="holds other files"):
        exported(project, tmp_path / "data")
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_what_goes_wrong_leaves_nothing_half(project, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("leaml.jobs.packing.shutil.copyfile", full)
    with pytest.raises(StorageError, match="No space left"):
        exported(project, tmp_path / "data", parts=("dataset",))
    assert list((tmp_path / "data").iterdir()) == [] and [path.name for path in tmp_path.iterdir()] == ["data"]


def test_without_an_adapted_model_the_data_alone_is_written(tmp_path):
    empty = make_project(tmp_path / "home" / "empty")
    with pytest.raises(DataError, match="no adapted model yet"):
        exported(empty, tmp_path / "out")
    assert exported(empty, tmp_path / "data", parts=("dataset",))["adapter"] is None
    empty.close()


@pytest.mark.slow
def test_the_script_of_the_readme_loads_each_part(project, whole, model):
    """It is run as it stands there, with the folders of this test for its two."""
    if not (script := script_of_the_readme()):
        pytest.skip("the README does not show how an export is loaded")
    assert "leaml" not in script and len([line for line in script.splitlines() if line]) <= 12
    script = script.replace('"export"', repr(str(whole))).replace('"assets/nano"', repr(model))
    done = subprocess.run([sys.executable, "-c", script], cwd=whole, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    questions = len(project.labels(split=None))
    assert done.stdout.startswith(f"torch.bfloat16 LORA {questions} questions, the first: ")


def script_of_the_readme() -> str:
    """The lines of Python that load an export."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.search(r"```python\n(# Loads what `export` wrote.*?)```", readme, re.DOTALL)
    return found.group(1) if found else ""
