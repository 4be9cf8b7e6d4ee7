import shutil
from pathlib import Path

import pytest

from leaml.errors import DataError, StorageError
from leaml.records import Caption, Pair
from leaml.store.database import Database
from leaml.store.project import Project, home, projects, slug


def add_adapter(project, role="answers", job_id=None, name="first"):
    folder = project.folder / "runs" / name / "adapter"
    folder.mkdir(parents=True)
    (folder / "adapter.safetensors").write_bytes(b"weights")
    return project.add_adapter(job_id, name, role, "lora", folder, "nano", 7, 100)


# The folder


def test_a_new_project_is_a_folder_with_everything_in_it(tmp_path):
    project = Project.create(tmp_path / "home" / "polyps", "Dr. A's polyps")
    assert (project.name, project.title) == ("polyps", "Dr. A's polyps")
    assert sorted(path.name for path in project.folder.iterdir()) == ["images", "leaml.db", "runs", "thumbs"]
    assert projects(tmp_path / "home") == [tmp_path / "home" / "polyps"]
    assert projects(tmp_path / "nowhere") == []
    project.close()


def test_home_is_where_the_environment_says(monkeypatch, tmp_path):
    monkeypatch.setenv("LEAML_HOME", str(tmp_path))
    assert home() == tmp_path
    monkeypatch.delenv("LEAML_HOME")
    assert home() == Path.home() / "LEAML"


@pytest.mark.parametrize(
    ("title", "wanted"),
    [
        ("Colonoscopy phantom", "colonoscopy-phantom"),
        ("Dr. Müller's Bäuche / 2024", "dr-muller-s-bauche-2024"),
        ("../../etc", "etc"),
        ("  ", "project"),
        ("大腸", "project"),
        ("a" * 200, "a" * 60),
    ],
)
def test_a_folder_is_named_by_letters_digits_and_dashes(title, wanted):
    assert slug(title) == wanted


def test_nothing_is_created_over_something(project, tmp_path):
    with pytest.raises(StorageError, match="There is a project in"):
        Project.create(project.folder, "Other")
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("mine")
    with pytest.raises(StorageError, match="other files"):
        Project.create(tmp_path / "thesis")
    assert [path.name for path in (tmp_path / "thesis").iterdir()] == ["chapter.txt"]
    (tmp_path / "file").write_text("mine")
    with pytest.raises(StorageError, match="cannot be made"):
        Project.create(tmp_path / "file" / "project")


def test_only_a_project_is_opened_and_none_is_made_by_opening(tmp_path):
    with pytest.raises(StorageError, match="no project"):
        Project.open(tmp_path / "gone")
    (tmp_path / "empty").mkdir()
    with pytest.raises(StorageError, match="no project"):
        Project.open(tmp_path / "empty")
    assert list((tmp_path / "empty").iterdir()) == []


def test_a_copied_folder_is_a_working_project(project, picture, tmp_path):
    (project.folder / "images" / "1.png").write_bytes(b"picture")
    project.add_label("A", picture, "How many?", "2", "count")
    project.close()
    copied = Project.open(shutil.copytree(project.folder, tmp_path / "elsewhere" / "polyps"))
    shutil.rmtree(project.folder)
    assert copied.picture(picture).path.read_bytes() == b"picture"
    assert copied.labels()[0].image == copied.folder / "images" / "1.png"
    copied.add_label("A", picture, "How many?", "3", "count")
    copied.undo("A")
    assert [pair.answer for pair in copied.labels()] == ["2"]
    copied.close()


# Pictures, captions, settings


def test_pictures_come_with_absolute_paths(project, add_pictures):
    add_pictures(2)
    add_pictures(1, split="test", group="patient 7", cluster=4)
    first, _, last = project.pictures()
    assert (first.path, first.thumb) == (project.folder / "images/1.png", project.folder / "thumbs/1.jpg")
    assert (last.split, last.group, last.cluster, last.width, last.height) == ("test", "patient 7", 4, 64, 48)
    assert project.pictures(split="test") == [last] == project.pictures(group="patient 7")
    assert project.pictures(limit=1, order="-id") == [last]
    with pytest.raises(DataError, match="no picture 9"):
        project.picture(9)


def test_a_picture_is_found_by_its_path_however_it_is_written(project, picture, tmp_path):
    path = project.picture(picture).path
    (tmp_path / "link").symlink_to(project.folder, target_is_directory=True)
    assert project.image_id(path) == picture
    assert project.image_id(tmp_path / "link" / "images" / "1.png") == picture
    assert project.image_id(project.folder / "thumbs" / ".." / "images" / "1.png") == picture
    with pytest.raises(DataError, match="no picture of this project"):
        project.image_id(tmp_path / "1.png")


def test_captions_are_kept_once_and_given_by_split(project, add_pictures):
    train, test = add_pictures(1)[0], add_pictures(1, split="test")[0]
    project.add_captions(None, [(train, "A polyp\nis seen. ", "file"), (test, "Nothing.", "file")])
    project.add_captions(3, [(train, "A polyp is seen.", "file"), (train, "A polyp is seen.", "nano")])
    assert [(row.caption, row.teacher, row.job_id) for row in project.captions()] == [
        ("A polyp is seen.", "file", None), ("A polyp is seen.", "nano", 3)
    ]  # fmt: skip
    assert len(project.captions(split=None)) == 3
    assert project.captions()[0].as_caption() == Caption(project.picture(train).path, "A polyp is seen.", "file")


def test_settings_hold_what_json_holds(project):
    assert project.setting("findings") is None
    assert project.setting("findings", 3) == 3
    for value in ({"taken": 3, "refused": ["a", None]}, "text", None, 0.5):
        project.set_setting("A", "findings", value)
        assert project.setting("findings", "default") == value
    project.set_setting("A", "findings", 0.5)
    assert project.db.count("events", kind="setting", person="A") == 4


# Adapters, predictions, lineage


def test_adapters_come_newest_first_until_they_are_deleted(project):
    generator, first, second = (
        add_adapter(project, "generator", name="g"), add_adapter(project, name="a"), add_adapter(project, name="b")
    )  # fmt: skip
    assert [adapter.id for adapter in project.adapters()] == [second, first, generator]
    assert [adapter.id for adapter in project.adapters("generator")] == [generator]
    folder = project.adapter(second).path
    assert folder == project.folder / "runs" / "b" / "adapter"
    project.delete_adapter("A", second)
    assert not folder.exists() and folder.parent.exists()
    assert [adapter.id for adapter in project.adapters("answers")] == [first]
    assert project.adapter(first).path.is_dir()
    with pytest.raises(DataError, match="no adapted model"):
        project.delete_adapter("A", second)


def test_deleting_an_adapter_deletes_no_more_than_its_run(project):
    for place in ("images", "runs"):
        adapter = project.add_adapter(None, place, "answers", "lora", project.folder / place, "nano", 0, 0)
        project.delete_adapter("A", adapter)
        assert (project.folder / place).is_dir()


def test_an_adapter_lies_in_its_project(project, tmp_path):
    for folder in (tmp_path / "elsewhere", project.folder, project.folder / "runs" / ".." / ".."):
        with pytest.raises(DataError, match="outside"):
            project.add_adapter(None, "a", "answers", "lora", folder, "nano", 0, 0)


def test_predictions_are_kept_once_for_each_model(project, picture):
    label = project.add_label("A", picture, "How many?", "2", "count")
    job = project.db.insert("jobs", {"kind": "compare"})
    adapter = add_adapter(project)
    project.add_predictions(job, None, [(label, "1", False, -0.7)])
    project.add_predictions(job, adapter, [(label, "2", True, None)])
    rows = project.predictions(job)
    assert [(row.adapter_id, row.text, row.correct, row.log_probability) for row in rows] == [
        (None, "1", False, -0.7), (adapter, "2", True, None)
    ]  # fmt: skip
    assert project.predictions(job, adapter_id=None) == rows[:1]
    for model in (None, adapter):
        with pytest.raises(StorageError):
            project.add_predictions(job, model, [(label, "1", False, -0.7)])


def test_lineage_leads_from_an_answer_to_every_label_behind_it(project, add_pictures):
    first, second, third = add_pictures(3)
    job = {kind: project.db.insert("jobs", {"kind": kind}) for kind in ("caption", "distil", "generate", "compare")}
    labels = [project.add_label("A", id, "How many?", "2", "count") for id in (first, second, third)]
    project.add_captions(job["caption"], [(first, "A polyp.", "nano")])
    project.use(job["distil"], "pair", labels[:1])
    project.use(job["distil"], "caption", [project.captions()[0].id])
    generator = add_adapter(project, "generator", job["distil"], "generator")
    project.use(job["generate"], "adapter", [generator])
    project.add_pairs(job["generate"], [(second, Pair(Path("x"), "Q?", "yes", "yes/no"))])
    suggestion = project.pairs(origin="generator")[0].id
    verdict = project.judge("B", suggestion, accept=True)
    started = project.db.insert("jobs", {"kind": "adapt"})
    resumed = project.db.insert("jobs", {"kind": "adapt", "resume_of": started})
    project.use(started, "pair", [suggestion, labels[1]])
    project.use(started, "verdict", [verdict])
    project.use(started, "verdict", [verdict])
    adapter = add_adapter(project, "answers", resumed, "answers")
    project.delete_adapter("A", adapter)
    project.add_predictions(job["compare"], adapter, [(labels[2], "2", True, -0.1)])
    project.add_predictions(job["compare"], None, [(labels[2], "1", False, -0.9)])
    of_adapter, of_base = (project.lineage(row.id) for row in project.predictions(job["compare"]))

    assert of_adapter["pair"].id == labels[2]
    assert (of_adapter["adapter"].id, of_adapter["job"]["id"]) == (adapter, resumed)
    assert [row["kind"] for row in of_adapter["jobs"]] == ["caption", "distil", "generate", "adapt", "adapt"]
    assert [row.id for row in of_adapter["adapters"]] == [generator]
    assert [pair.id for pair in of_adapter["labels"]] == labels[:2]
    assert [pair.id for pair in of_adapter["pairs"]] == [suggestion]
    assert [row["id"] for row in of_adapter["verdicts"]] == [verdict]
    assert [row.caption for row in of_adapter["captions"]] == ["A polyp."]
    assert of_base["adapter"] is None and of_base["labels"] == of_base["jobs"] == []
    with pytest.raises(DataError, match="no answer 99"):
        project.lineage(99)


# Where the work stands


def test_the_next_step_is_the_first_that_is_missing(project, add_pictures):
    def compare():
        job = project.db.insert("jobs", {"kind": "compare"})
        project.db.update("jobs", job, {"state": "done"})

    steps = [project.overview().next_step]
    picture = add_pictures(1)[0]
    steps.append(project.overview().next_step)
    project.add_label("A", picture, "How many?", "2", "count")
    steps.append(project.overview().next_step)
    project.add_captions(None, [(picture, "A polyp.", "file")])
    steps.append(project.overview().next_step)
    add_adapter(project, "generator", name="g")
    steps.append(project.overview().next_step)
    project.add_pairs(1, [(picture, Pair(Path("x"), f"{n}?", "yes", "yes/no")) for n in range(2)])
    steps.append(project.overview().next_step)
    project.judge("A", project.pairs(status="suggested")[0].id, accept=True)
    steps.append(project.overview().next_step)
    add_adapter(project, "answers", project.db.insert("jobs", {"kind": "adapt"}), "first")
    steps.append(project.overview().next_step)
    compare()
    steps.append(project.overview().next_step)
    add_adapter(project, "answers", project.db.insert("jobs", {"kind": "adapt"}), "second")
    steps.append(project.overview().next_step)
    assert steps == [
        "import", "label", "caption", "distil", "generate", "review", "adapt", "compare", "done", "compare"
    ]  # fmt: skip


def test_the_overview_counts(project, add_pictures):
    train, test = add_pictures(2), add_pictures(1, split="test")
    for picture in train + test:
        project.add_label("A", picture, "How many?", "2", "count")
    question = {"image_id": train[0], "question": "Where?", "type": "location", "origin": "import"}
    project.db.record("", "import", [("pairs", None, None, question)])
    project.add_pairs(1, [(train[0], Pair(Path("x"), f"{n}?", "yes", "yes/no")) for n in range(4)])
    first, second, *_ = project.pairs(status="suggested")
    project.judge("A", first.id, accept=True)
    project.judge("A", second.id, accept=False)
    overview = project.overview()
    assert (overview.title, overview.pictures, overview.by_split) == ("Polyps", 3, {"test": 1, "train": 2})
    assert (overview.labels, overview.held_out, overview.questions) == (2, 1, 1)
    assert (overview.suggestions, overview.accepted, overview.rejected) == (2, 1, 1)
    assert (overview.generator_adapters, overview.answer_adapters, overview.compared) == (0, 0, False)


def test_a_project_of_a_torn_database_is_refused(project):
    project.close()
    (project.folder / "leaml.db").write_bytes(b"not a database at all" * 100)
    with pytest.raises(StorageError, match="damaged"):
        Project.open(project.folder)


def test_every_path_in_the_database_is_relative(project, picture):
    add_adapter(project)
    project.close()
    db = Database(project.folder / "leaml.db")
    paths = [row[name] for name in ("file", "thumb") for row in db.rows("images")]
    paths += [row["folder"] for row in db.rows("adapters")]
    assert len(paths) == 3
    assert not any(Path(path).is_absolute() or "\\" in path for path in paths)
    db.close()
