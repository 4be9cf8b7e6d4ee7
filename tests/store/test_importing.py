"""Import: all that can be used goes in once, what cannot is named, and an import that broke off goes on."""

import errno
import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from leaml import files
from leaml.errors import DataError, OptionError, StorageError
from leaml.options import ImportOptions
from leaml.records import Progress, Result
from leaml.store import arrival, tables
from leaml.store.findings import Findings
from leaml.store.importing import FILE, SETTING, import_captions, import_folder, import_questions
from leaml.store.placing import ARRIVING, LEFT_OUT

SAMPLE = Path(__file__).resolve().parents[2] / "sample_data" / "colonoscopy-phantom"
SECRET = "Jane Doe 1961-05-04"


def picture(seed, size=(96, 64)):
    noise = np.random.default_rng(seed).integers(0, 256, (8, 12, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC)


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "set"
    (folder / "images").mkdir(parents=True)
    return folder


@pytest.fixture
def take(project, folder):
    """Imports the folder and returns the findings."""

    def run(person="Dr. A", run_folder=None, **options):
        *progress, result = import_folder(project, folder, settings(**options), person, run_folder)
        assert all(isinstance(event, Progress) for event in progress) and isinstance(result, Result)
        return Findings.from_json(project.setting(SETTING))

    return run


def settings(**options):
    return ImportOptions(folder="set", **options)


def add(folder, *numbers, **options):
    for number in numbers:
        picture(number).save(folder / "images" / f"{number}.jpg", **options)


def write(folder, *rows, name="questions.jsonl"):
    (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def row(number, **values):
    return {"image": f"images/{number}.jpg", "question": "Polyp?", "answer": "yes", "type": "yes/no"} | values


def splits_of(project):
    return {Path(found.name).stem: found.split for found in project.pictures()}


def assert_whole(project):
    """Every row has its files, every file has its row, and events alone give the same rows."""
    rows = project.db.rows("images")
    for kind, folder in (("file", "images"), ("thumb", "thumbs")):
        assert {found[kind] for found in rows} == {f"{folder}/{p.name}" for p in (project.folder / folder).iterdir()}
    for found in rows:
        with Image.open(project.folder / found["file"]) as image:
            assert image.size == (found["width"], found["height"])
    copy = project.db.rebuild(project.folder / "copy.db")
    assert copy.rows("images") == rows and copy.rows("pairs") == project.db.rows("pairs")
    copy.close()


# ---- what goes in ------------------------------------------------------------------------------------------------


def test_pictures_questions_and_captions_go_in(project, folder, take, tmp_path):
    add(folder, 1, 2, 3)
    write(folder, row(1, split="test", group="p1"), row(2, choices=["yes", "no"], origin="Dr. B"), row(2, question="?"))
    write(folder, {"image": "images/2.jpg", "caption": "A polyp.", "teacher": "t"}, name="captions.jsonl")
    findings = take(run_folder=tmp_path)
    assert (findings.pictures.taken, findings.questions.taken, findings.captions.taken) == (3, 3, 1)
    assert findings.refused == [] and splits_of(project) == {"1": "test", "2": "train", "3": "train"}
    pair = project.pairs(image_name="2.jpg", question="Polyp?")[0]
    assert (pair.answer, pair.type, pair.choices, pair.origin, pair.source, pair.status) == (
        "yes", "yes/no", ("yes", "no"), "import", "Dr. B", "label",
    )  # fmt: skip
    assert [(caption.caption, caption.teacher) for caption in project.captions()] == [("A polyp.", "t")]
    assert project.picture(1).group == "p1" and project.picture(1).thumb.is_file()
    assert json.loads((tmp_path / FILE).read_text("utf-8")) == project.setting(SETTING)
    assert {event["person"] for event in project.db.rows("events", kind="import")} == {"Dr. A"}
    assert_whole(project)


def test_the_result_counts_and_names_the_findings(project, folder, tmp_path):
    add(folder, 1)
    (folder / "images" / "2.jpg").write_bytes(b"no picture")
    result = list(import_folder(project, folder, settings(), "", tmp_path))[-1]
    assert result == Result(
        {
            "pictures": 1, "pictures refused": 1, "questions": 0, "questions refused": 0, "captions": 0,
            "captions refused": 0,
        },
        tmp_path / FILE,
    )  # fmt: skip


def test_a_second_import_of_the_same_folder_adds_nothing_and_says_so(project, folder, take):
    add(folder, 1, 2, 3, 4)
    write(folder, row(1, split="test"), row(2), row(3, answer=None))
    write(folder, {"image": "images/2.jpg", "caption": "A polyp."}, name="captions.jsonl")
    take()
    before = {table: project.db.rows(table) for table in ("images", "pairs", "captions")}
    findings = take()
    assert findings.nothing_new and "Nothing new" in next(findings.sentences())
    assert (findings.pictures.there, findings.questions.there, findings.captions.there) == (4, 3, 1)
    assert {table: project.db.rows(table) for table in before} == before


def test_a_later_import_adds_what_is_new(project, folder, take):
    add(folder, 1, 2)
    write(folder, row(1, split="test"), row(2, split="train"))
    take()
    add(folder, 3)
    write(folder, row(1, split="test"), row(2, split="train"), row(3, split="train"), row(3, question="New?"))
    findings = take()
    assert (findings.pictures.taken, findings.questions.taken) == (1, 2)
    assert project.db.count("images") == 3


def test_nothing_that_tells_of_a_person_comes_along(project, folder, take):
    exif = Image.Exif()
    exif[0x010E] = SECRET
    exif.get_ifd(0x8825)[1] = "N"
    add(folder, 1, exif=exif)
    picture(2).save(folder / "images" / "2.png", exif=exif)
    picture(3).save(folder / "images" / "3.tif", description=SECRET)
    (folder / "images" / "1.jpg").write_bytes((folder / "images" / "1.jpg").read_bytes() + SECRET.encode())
    findings = take()
    assert findings.with_metadata >= 2 and findings.with_position == 2
    assert findings.pictures.taken == 3
    for path in project.folder.rglob("*"):
        assert not path.is_file() or SECRET.encode() not in path.read_bytes()


def test_a_folder_of_pictures_alone_is_an_import(project, folder, take):
    for number in range(1, 6):
        picture(number).save(folder / f"{number}.png")
    (folder / "images").rmdir()
    assert take().pictures.taken == 5
    assert [found.name for found in project.pictures()] == [f"{number}.png" for number in range(1, 6)]


# ---- what is refused ---------------------------------------------------------------------------------------------


def test_what_cannot_be_used_is_named_and_the_rest_goes_in(project, folder, take, tmp_path):
    add(folder, 1, 2)
    (folder / "images" / "cut.jpg").write_bytes((folder / "images" / "1.jpg").read_bytes()[:400])
    (folder / "images" / "empty.png").touch()
    picture(9).save(tmp_path / "outside.jpg")
    (folder / "images" / "link.jpg").symlink_to(tmp_path / "outside.jpg")
    write(folder, row(1), row(2, type="essay"), row("cut"), row("missing"))
    write(folder, {"image": "images/1.jpg"}, name="captions.jsonl")
    findings = take()
    assert (findings.pictures.taken, findings.questions.taken) == (2, 1)
    assert [reason.split(" ")[0] for reason in findings.pictures.refused] == ["images/:", "cut.jpg", "empty.png"]
    assert [reason.split(":")[0] for reason in findings.questions.refused] == [
        "questions.jsonl line 2",
        "questions.jsonl line 4",
    ]
    assert findings.captions.refused[0].startswith("captions.jsonl line 1")
    assert_whole(project)


def test_a_picture_that_cannot_be_read_is_refused_and_the_others_go_in(project, folder, take, monkeypatch):
    add(folder, 1, 2)
    read = arrival.images.read

    def broken_disk(path, name):
        if path.name == "1.jpg":
            raise StorageError("1.jpg cannot be read: Input/output error.")
        return read(path, name)

    monkeypatch.setattr(arrival.images, "read", broken_disk)
    findings = take()
    assert findings.pictures.taken == 1 and "1.jpg cannot be read" in findings.pictures.refused[0]


def test_an_empty_folder_is_refused_with_the_next_step(project, folder):
    with pytest.raises(DataError, match="holds no picture") as raised:
        list(import_folder(project, folder, settings()))
    assert raised.value.fix


def test_another_answer_of_the_same_source_is_refused_and_of_another_is_a_second_one(project, folder, take):
    add(folder, 1, 2)
    write(folder, row(1, origin="Dr. A"), row(2, answer=None))
    take()
    write(folder, row(1, answer="no", origin="Dr. A"), row(2, answer="no"))
    findings = take()
    assert "'Polyp?' was answered 'yes' before, and is answered 'no' here" in findings.questions.refused[0]
    assert findings.questions.taken == 1 and project.pairs(image_name="2.jpg")[0].answer == "no"
    write(folder, row(1, answer="no", origin="Dr. B"))
    take()
    assert [(pair.answer, pair.source) for pair in project.pairs(image_name="1.jpg")] == [
        ("yes", "Dr. A"), ("no", "Dr. B"),
    ]  # fmt: skip


def test_of_very_many_refusals_the_first_are_named_and_all_are_counted(project, folder, take, monkeypatch):
    monkeypatch.setattr(tables, "MOST_PROBLEMS", 3)
    add(folder, 1)
    for number in range(10):
        (folder / "images" / f"bad {number}.png").touch()
    findings = take()
    assert len(findings.pictures.refused) == 4 and findings.pictures.left == 10
    assert "1 picture taken, 10 refused." in list(findings.sentences())


# ---- splits ------------------------------------------------------------------------------------------------------


def test_without_splits_whole_groups_are_drawn(project, folder, take):
    add(folder, *range(40))
    write(folder, *(row(number, group=f"patient {number // 2}") for number in range(40)))
    findings = take(test_share=0.25, calibration_share=0.1, seed=3)
    assert findings.splits == {"calibration": 4, "test": 10, "train": 26}
    groups: dict[str, set[str]] = {}
    for found in project.pictures():
        groups.setdefault(found.group, set()).add(found.split)
    assert len(groups) == 20 and all(len(splits) == 1 for splits in groups.values())


def test_new_pictures_of_a_known_patient_follow_the_known_ones(project, folder, take):
    add(folder, *range(12))
    write(folder, *(row(number, group=f"patient {number % 6}") for number in range(12)))
    take()
    group_splits = {found.group: found.split for found in project.pictures()}
    add(folder, *range(12, 18))
    write(folder, *(row(number, group=f"patient {number % 6}") for number in range(18)))
    take(seed=5)
    assert {found.group: found.split for found in project.pictures()} == group_splits
    assert project.db.count("images") == 18


def test_near_duplicates_are_drawn_together_and_named(project, folder, take):
    add(folder, *range(10), quality=95)
    for number in range(10):
        picture(number).save(folder / "images" / f"{number}-copy.jpg", quality=40)
    findings = take(test_share=0.4)
    assert sorted(map(sorted, findings.near_duplicates)) == [[f"{n}-copy.jpg", f"{n}.jpg"] for n in range(10)]
    splits = splits_of(project)
    assert all(splits[str(number)] == splits[f"{number}-copy"] for number in range(10))
    assert findings.crossings == []


def test_a_train_picture_of_a_held_out_group_is_left_out(project, folder, take):
    add(folder, 1, 2, 3)
    write(folder, row(1, split="test", group="p"), row(2, split="train", group="p"), row(3, split="train", group="q"))
    findings = take()
    assert splits_of(project) == {"1": "test", "2": LEFT_OUT, "3": "train"}
    assert findings.left_out == ["2.jpg"]
    assert findings.crossings[0].kind == "group" and findings.crossings[0].name == "p"
    assert {pair.image_name for pair in project.labels()} == {"3.jpg"}


def test_a_group_that_is_held_out_later_leaves_training(project, folder, take):
    add(folder, 1, 2)
    write(folder, row(1, split="train", group="p"), row(2, split="train", group="q"))
    take()
    add(folder, 3)
    write(folder, row(3, split="test", group="p"))
    assert take().left_out == ["1.jpg"]
    assert splits_of(project) == {"1": LEFT_OUT, "2": "train", "3": "test"}


def test_the_same_picture_in_two_splits_is_held_out(project, folder, take):
    add(folder, 1)
    (folder / "images" / "2.jpg").write_bytes((folder / "images" / "1.jpg").read_bytes())
    write(folder, row(1, split="train"), row(2, split="test", question="2?"))
    findings = take()
    assert (findings.pictures.taken, findings.pictures.there) == (1, 1)
    assert splits_of(project) == {"1": "test"} and len(project.pairs()) == 2
    assert findings.crossings[0].kind == "same picture"


def test_near_duplicates_in_several_splits_are_reported_and_stay(project, folder, take):
    add(folder, 1, 3, quality=95)
    picture(1).save(folder / "images" / "2.jpg", quality=40)
    write(folder, row(1, split="train"), row(2, split="test"))
    findings = take()
    assert splits_of(project) == {"1": "train", "2": "test", "3": "train"}
    assert [(crossing.kind, crossing.pictures) for crossing in findings.crossings] == [
        ("near-duplicates", (("1.jpg", "train"), ("2.jpg", "test")))
    ]
    assert any("all but the same stand in several splits" in sentence for sentence in findings.sentences())


def test_a_later_import_does_not_move_what_was_placed(project, folder, take):
    add(folder, 1, 2)
    write(folder, row(1, split="test"), row(2, split="train"))
    take()
    write(folder, row(1, split="train"), row(2, split="test"))
    take()
    assert splits_of(project) == {"1": "test", "2": "train"}


def test_pictures_without_questions_may_have_groups(project, folder, take):
    add(folder, 1, 2, 3)
    write(folder, row(1, split="test", group="p"))
    write(folder, {"image": "2.jpg", "group": "p"}, {"image": "3.jpg", "group": "q"}, name="pictures.jsonl")
    take()
    assert splits_of(project) == {"1": "test", "2": LEFT_OUT, "3": "train"}


def test_shares_that_leave_nothing_for_training_are_refused_before_a_split_is_given(project, folder):
    add(folder, 1)
    with pytest.raises(OptionError, match="leave nothing"):
        list(import_folder(project, folder, settings(test_share=0.6, calibration_share=0.5)))
    assert splits_of(project) == {"1": ARRIVING}


def test_captions_of_held_out_pictures_stay_outside(project, folder, take):
    add(folder, 1, 2)
    write(folder, row(1, split="test"))
    write(folder, *({"image": f"images/{n}.jpg", "caption": "A polyp."} for n in (1, 2)), name="captions.jsonl")
    findings = take()
    assert [caption.image_id for caption in project.captions(None)] == [2]
    assert findings.notes == ["1 captions were not taken: their pictures are kept back from training."]


# ---- few labels --------------------------------------------------------------------------------------------------


def labelled(folder):
    add(folder, *range(8))
    write(folder, *(row(n, split="train" if n < 6 else "test", question=q) for n in range(8) for q in ("1?", "2?")))


def test_of_the_train_pictures_only_so_many_bring_their_answers(project, folder, take):
    labelled(folder)
    findings = take(labels=2)
    assert len({pair.image_id for pair in project.labels()}) == 2 and len(project.labels()) == 4
    assert len(project.labels("test")) == 4 and project.db.count("images") == 8
    assert findings.notes == ["The answers of 2 of 6 labelled train pictures are used."]
    assert take(labels=2).nothing_new


def test_the_choice_follows_the_seed(project, folder, take):
    labelled(folder)
    take(labels=2, seed=1)
    first = {pair.image_name for pair in project.labels()}
    take(labels=2, seed=2)
    assert {pair.image_name for pair in project.labels()} > first


def test_more_labels_than_there_are_means_all(project, folder, take):
    labelled(folder)
    assert "6 of 6 labelled train pictures are used; 9 were asked for" in take(labels=9).notes[0]
    assert len(project.labels()) == 12


# ---- breaking off ------------------------------------------------------------------------------------------------


def test_an_import_that_was_stopped_goes_on(project, folder, take, monkeypatch):
    monkeypatch.setattr(arrival, "BATCH", 5)
    add(folder, *range(12))
    write(folder, row(1, split="test"))
    events = import_folder(project, folder, settings())
    steps = [next(events).step for _ in range(3)]
    events.close()
    assert steps == [0, 5, 10] and project.db.count("images") == 10
    assert set(splits_of(project).values()) == {ARRIVING}
    assert project.pictures("train") == [] and project.pairs() == []
    findings = take()
    assert (findings.pictures.taken, findings.pictures.there) == (2, 10)
    assert findings.splits == {"test": 1, "train": 11}
    assert_whole(project)


@pytest.mark.parametrize("allowed", [0, 7])
def test_a_full_disk_leaves_a_whole_project_and_a_clear_message(project, folder, take, monkeypatch, allowed):
    monkeypatch.setattr(arrival, "BATCH", 5)
    add(folder, *range(12))
    calls, fsync = [], os.fsync

    def full(handle):
        calls.append(handle)
        if len(calls) > allowed:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(handle)

    with monkeypatch.context() as patch:
        patch.setattr(files.os, "fsync", full)
        with pytest.raises(StorageError, match="No space left on device") as raised:
            list(import_folder(project, folder, settings()))
    assert f"{allowed - allowed % 5} were taken" in raised.value.what and "import the folder again" in raised.value.fix
    assert project.db.count("images") == allowed - allowed % 5
    assert_whole(project)
    (project.folder / "copy.db").unlink()
    assert take().pictures.taken == 12 - (allowed - allowed % 5)
    assert_whole(project)


def test_a_database_that_cannot_be_written_leaves_no_file_without_a_row(project, folder, take, monkeypatch):
    add(folder, 1, 2)

    def full(person, kind, changes):
        raise StorageError("The disk is full.", "Make room, then try again.")

    with monkeypatch.context() as patch:
        patch.setattr(project.db, "record", full)
        with pytest.raises(StorageError, match="The disk is full"):
            list(import_folder(project, folder, settings()))
    assert_whole(project)
    assert take().pictures.taken == 2


def test_files_that_a_killed_import_left_are_taken_over(project, folder, take):
    add(folder, 1)
    take()
    stored = {path.name: path.read_bytes() for path in (project.folder / "images").iterdir()}
    other = type(project).create(project.folder.parent / "other", "Other")
    for name in stored:
        (other.folder / "images" / name).write_bytes(b"half of a pic")
    list(import_folder(other, folder, settings()))
    assert {path.name: path.read_bytes() for path in (other.folder / "images").iterdir()} == stored
    other.close()


# ---- questions and captions on pictures that are there -----------------------------------------------------------


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_questions_follow_their_pictures_by_name(project, folder, take, tmp_path, suffix):
    add(folder, 1, 2)
    take(test_share=0, calibration_share=0)
    file = tmp_path / f"more.{suffix}"
    if suffix == "csv":
        lines = ("1.jpg,Polyp?,yes,yes/no", "images/2.jpg,Polyp?,no,yes/no", "3.jpg,Polyp?,yes,yes/no")
        file.write_text("\n".join(["image,question,answer,type", *lines]), encoding="utf-8")
    else:
        write(tmp_path, row(1), row(2, answer="no"), row(3), name=file.name)
    findings = import_questions(project, file, "Dr. A")
    assert findings.questions.taken == 2
    assert findings.refused == [findings.questions.refused[0]] and "3.jpg' is not in the project" in findings.refused[0]
    assert f"more.{suffix} line " in findings.refused[0]
    assert [(pair.image_name, pair.answer) for pair in project.labels()] == [("1.jpg", "yes"), ("2.jpg", "no")]
    assert import_questions(project, file, "Dr. A").questions.there == 2


def test_a_name_that_two_pictures_have_is_refused(project, folder, take, tmp_path):
    add(folder, 1)
    take()
    picture(2).save(folder / "images" / "1.jpg")
    take()
    write(tmp_path, row(1), name="more.jsonl")
    findings = import_questions(project, tmp_path / "more.jsonl")
    assert "2 pictures of the project are called" in findings.questions.refused[0]


def test_captions_follow_their_pictures_by_name(project, folder, take, tmp_path):
    add(folder, 1, 2)
    write(folder, row(1, split="test"))
    take()
    captions = [{"image": f"{n}.jpg", "caption": "A polyp.", "teacher": "t"} for n in (1, 2, 3)]
    write(tmp_path, *captions, name="captions.jsonl")
    findings = import_captions(project, tmp_path / "captions.jsonl", "Dr. A")
    assert findings.captions.taken == 1 and len(findings.notes) == 1 and len(findings.captions.refused) == 1
    assert [caption.image_id for caption in project.captions(None)] == [2]


@pytest.mark.slow
def test_the_sample_project_goes_in_whole(project):
    list(import_folder(project, SAMPLE, ImportOptions(folder=str(SAMPLE))))
    findings = Findings.from_json(project.setting(SETTING))
    assert findings.refused == [] and findings.near_duplicates == [] and findings.crossings == []
    assert findings.splits == {"calibration": 60, "test": 100, "train": 400}
    assert (findings.pictures.taken, findings.questions.taken, findings.captions.taken) == (560, 1963, 400)
