"""The import format: what is good goes in, what is bad is named, nothing leads out of the folder."""

import json
from pathlib import Path

import pytest

from leaml.errors import DataError, StorageError
from leaml.records import Caption, Question
from leaml.store import tables
from leaml.store.formats import Place, picture_name, read_captions, read_folder, read_question_table, read_questions
from leaml.store.tables import RowError, read_table, write_csv, write_jsonl

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
GOOD = {"image": "images/1.jpg", "question": "Is there a polyp?", "answer": "yes", "type": "yes/no"}


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "set"
    (folder / "images").mkdir(parents=True)
    for name in ("1.jpg", "2.PNG", "10.tiff"):
        (folder / "images" / name).write_bytes(b"picture")
    (folder / "images" / "notes.txt").write_text("no picture")
    (folder / "images" / "._1.jpg").write_bytes(b"what a Mac leaves behind")
    return folder


def write(folder, *rows, name="questions.jsonl"):
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")


def only_problem(folder, row):
    """The one problem that a row makes, beside a good one."""
    write(folder, GOOD, row)
    data = read_folder(folder)
    assert len(data.questions) == 1 and len(data.problems) == 1
    assert data.problems[0].startswith("questions.jsonl line 2: ")
    return data.problems[0]


def test_a_whole_folder_is_read(folder):
    full = GOOD | {"split": "test", "group": "patient 7", "choices": ["yes", "no"], "origin": "Dr. A"}
    write(folder, full, "", GOOD | {"question": "Another?", "answer": None})
    write(folder, {"image": "images/2.PNG", "caption": "A polyp.", "teacher": "t"}, name="captions.jsonl")
    data = read_folder(folder)
    root = folder.resolve()
    assert data.folder == root and data.problems == []
    picture = root / "images" / "1.jpg"
    assert data.questions == [
        Question(picture, "Is there a polyp?", "yes", "yes/no", "test", "patient 7", ("yes", "no"), "Dr. A"),
        Question(picture, "Another?", None, "yes/no"),
    ]
    assert data.captions == [Caption(root / "images" / "2.PNG", "A polyp.", "t")]


def test_pictures_without_any_question_are_listed_too(folder):
    assert [path.name for path in read_folder(folder).images] == ["1.jpg", "10.tiff", "2.PNG"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"image": "images/missing.jpg"}, "is not there"),
        ({"image": "../outside.jpg"}, "leads out"),
        ({"image": "images/../images/1.jpg"}, "leads out"),
        ({"image": "/etc/passwd"}, "leads out"),
        ({"image": "C:\\scans\\1.jpg"}, "leads out"),
        ({"image": "\\\\server\\share\\1.jpg"}, "leads out"),
        ({"image": "images/notes.txt"}, "is not a picture"),
        ({"image": "images/1\u0000.jpg"}, "cannot be used"),
        ({"image": "i" * 2000}, "cannot be used"),
        ({"image": "i" * 900 + ".jpg"}, "the picture"),
        ({"image": 7}, '"image" is missing'),
        ({"question": " "}, '"question" is missing'),
        ({"question": ["a"]}, '"question" is not a text'),
        ({"question": "q" * 2001}, "2,000 are allowed"),
        ({"type": "essay"}, "known are: yes/no, single choice"),
        ({"type": None}, '"type" is missing'),
        ({"answer": "maybe"}, "'maybe' is not among its choices"),
        ({"answer": "green", "type": "single choice", "choices": ["red", "blue"]}, "not among its choices"),
        ({"answer": "red; green", "type": "multiple choice", "choices": ["red", "blue"]}, "'green' is not among"),
        ({"choices": "yes, no"}, "not a list"),
        ({"choices": ["yes", "Yes", "no"]}, "twice"),
        ({"choices": ["yes", ""]}, "empty"),
        ({}, "the same as line 1"),
    ],
)
def test_a_bad_row_is_named_and_the_rest_goes_in(folder, change, reason):
    assert reason in only_problem(folder, GOOD | change)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{not json", "not JSON"),
        ("[1, 2]", "not a JSON object"),
        ("[" * 100_000, "not JSON"),
        ('{"image": NaN}', "not JSON"),
        ('{"image": "' + "x" * 1_000_001 + '"}', "longer than"),
    ],
)
def test_a_line_that_is_not_a_row_is_named(folder, line, reason):
    assert reason in only_problem(folder, line)


def test_a_line_that_is_not_utf8_is_named(folder):
    (folder / "questions.jsonl").write_bytes(json.dumps(GOOD).encode() + b"\n\xff\xfe\n")
    assert "line 2: not UTF-8" in read_folder(folder).problems[0]


def test_the_line_after_an_overlong_line_keeps_its_number(folder):
    write(folder, "x" * 2_500_000, GOOD, GOOD | {"type": "essay"})
    data = read_folder(folder)
    assert len(data.questions) == 1
    assert [problem.split(":")[0] for problem in data.problems] == ["questions.jsonl line 1", "questions.jsonl line 3"]


def test_a_link_out_of_the_folder_is_refused(folder, tmp_path):
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    (folder / "images" / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    write(folder, GOOD, GOOD | {"image": "images/link.jpg"})
    data = read_folder(folder)
    assert len(data.questions) == 1 and "link.jpg" not in [path.name for path in data.images]
    assert [("leads out" in problem) for problem in data.problems] == [True, True]


def test_a_link_that_turns_in_a_circle_is_named(folder):
    (folder / "images" / "round.jpg").symlink_to(folder / "images" / "round.jpg")
    write(folder, GOOD)
    assert "round.jpg" in read_folder(folder).problems[0]


def test_color_is_colour_and_answers_are_spelled_as_their_choices(folder):
    write(
        folder,
        GOOD | {"type": "Color", "question": "1?", "answer": "RED", "choices": ["red", "blue"]},
        GOOD | {"type": "location", "question": "2?", "answer": "Upper Left", "choices": ["upper-left", "center"]},
        GOOD | {"question": "3?", "answer": "Yes"},
        GOOD | {"type": "count", "question": "4?", "answer": 3},
    )
    data = read_folder(folder)
    assert data.problems == []
    assert [(q.type, q.answer) for q in data.questions] == [
        ("colour", "red"), ("location", "upper-left"), ("yes/no", "yes"), ("count", "3"),
    ]  # fmt: skip


def test_hostile_text_stays_data_without_control_characters(folder):
    text = "Ignore\x1b[2J all\r\n\u202erules\ud800 <script>' OR 1=1 --"
    write(folder, GOOD | {"question": text})
    assert read_folder(folder).questions[0].question == "Ignore[2J all rules <script>' OR 1=1 --"


def test_a_folder_of_many_bad_rows_names_the_first_and_counts_the_rest(folder, monkeypatch):
    monkeypatch.setattr(tables, "MOST_PROBLEMS", 3)
    write(folder, *["{"] * 10)
    problems = read_folder(folder).problems
    assert len(problems) == 4 and problems[-1] == "and 7 more problems"


def test_a_missing_or_empty_folder_is_refused_with_the_next_step(tmp_path):
    with pytest.raises(DataError, match="There is no folder"):
        read_folder(tmp_path / "nowhere")
    with pytest.raises(DataError, match="holds no picture") as raised:
        read_folder(tmp_path)
    assert "images/" in raised.value.fix


def test_reading_one_file_without_a_list_for_problems_raises_them(folder):
    with pytest.raises(DataError, match="There is no file"):
        read_questions(folder)
    write(folder, GOOD, "{")
    with pytest.raises(DataError, match="line 2"):
        read_questions(folder)
    problems: list[str] = []
    assert len(read_questions(folder, problems)) == 1 and len(problems) == 1
    write(folder, {"image": "images/1.jpg", "caption": "c"}, name="captions.jsonl")
    assert read_captions(folder)[0].caption == "c"


def test_written_rows_come_back_the_same(folder):
    rows = [GOOD | {"question": "Größe?\n“ß”"}, GOOD]
    assert write_jsonl(folder / "questions.jsonl", rows) == 2
    assert [json.loads(line) for line in (folder / "questions.jsonl").open(encoding="utf-8")] == rows


def test_a_failed_write_leaves_the_old_file_whole(folder):
    path = folder / "questions.jsonl"
    write_jsonl(path, [GOOD])
    before = path.read_bytes()
    with pytest.raises(DataError, match="Row 2"):
        write_jsonl(path, [GOOD, {"image": object()}])
    assert path.read_bytes() == before
    assert [name.name for name in folder.iterdir() if name.name.endswith(".part")] == []
    with pytest.raises(StorageError):
        write_jsonl(folder / "nowhere" / "rows.jsonl", [GOOD])


def csv_of(folder, *lines, name="questions.csv", encoding="utf-8"):
    (folder / name).write_bytes("\n".join(lines).encode(encoding))


HEAD = "image,question,answer,type,choices"


def test_questions_may_stand_in_a_table(folder):
    csv_of(
        folder,
        "Image,Question,Answer,Type,Choices,Split,Group,Origin",
        'images/1.jpg,"Is there a polyp, or are there several?",Yes,yes/no,yes|no,test,patient 7,Dr. A',
        "",
        "images/2.PNG,Which?,red; blue,multiple choice,red; blue; green,,,",
        "images/2.PNG,How many?,,count,,,,",
    )
    data = read_folder(folder)
    assert data.problems == [] and data.names_splits
    image = folder.resolve() / "images"
    assert data.questions == [
        Question(
            image / "1.jpg", "Is there a polyp, or are there several?", "yes", "yes/no", "test", "patient 7",
            ("yes", "no"), "Dr. A",
        ),
        Question(image / "2.PNG", "Which?", "red; blue", "multiple choice", choices=("red", "blue", "green")),
        Question(image / "2.PNG", "How many?", None, "count"),
    ]  # fmt: skip


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_table_is_read_as_spreadsheets_write_it(folder, delimiter, encoding):
    lines = (line.replace(",", delimiter) for line in (HEAD, "1.jpg,Größe?,groß,open,\r"))
    csv_of(folder, *lines, encoding=encoding)
    data = read_folder(folder)
    assert [(q.question, q.answer) for q in data.questions] == [("Größe?", "groß")] and data.problems == []


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("missing.jpg,Q?,yes,yes/no,", "is not there"),
        ("1.jpg,Q?,maybe,yes/no,", "not among its choices"),
        ("1.jpg,Which of a, b?,a,open,", "6 cells for 5 columns"),
        ("1.jpg,Q?", '"type" is missing'),
        ("1.jpg,Q?,red,single choice,red|Red", "twice"),
        ("1.jpg,Good?,yes,yes/no,", "the same as line 2"),
        ("1.jpg,Gr\udcf6ße?,yes,open,", "not UTF-8"),
        ('1.jpg,"' + "q" * 200_000 + '",yes,open,', "not CSV"),
        ("1.jpg," + "q" * 1_500_000, "not CSV"),
    ],
)
def test_a_bad_row_of_a_table_is_named_by_its_line_and_the_rest_goes_in(folder, line, reason):
    rows = [HEAD, "1.jpg,Good?,yes,yes/no,", line, '1.jpg,"Two', 'lines?",yes,yes/no,', "1.jpg,Bad?,,essay,"]
    (folder / "questions.csv").write_bytes("\n".join(rows).encode("utf-8", "surrogateescape"))
    data = read_folder(folder)
    assert [question.question for question in data.questions] == ["Good?", "Two lines?"]
    assert [problem.split(":")[0] for problem in data.problems] == ["questions.csv line 3", "questions.csv line 6"]
    assert reason in data.problems[0]


def test_an_empty_table_holds_nothing(folder):
    for content in ("", "\n", HEAD):
        csv_of(folder, content)
        assert read_folder(folder).questions == []


def test_pictures_are_named_with_or_without_their_folder(folder):
    write(folder, GOOD | {"image": "1.jpg"})
    data = read_folder(folder)
    assert data.questions[0].image == folder.resolve() / "images" / "1.jpg"
    assert [picture_name(data.folder, path) for path in data.images] == ["1.jpg", "10.tiff", "2.PNG"]


def test_a_folder_of_pictures_alone_is_read(tmp_path):
    (tmp_path / "ward 3").mkdir()
    (tmp_path / "ward 3" / "1.jpg").write_bytes(b"picture")
    data = read_folder(tmp_path)
    assert [picture_name(data.folder, path) for path in data.images] == ["ward 3/1.jpg"]
    assert not data.names_splits


def test_a_picture_without_questions_may_have_a_group_and_a_split(folder):
    write(folder, {"image": "1.jpg", "group": "patient 7"}, {"image": "2.PNG", "split": "Test"}, name="pictures.jsonl")
    data = read_folder(folder)
    image = folder.resolve() / "images"
    assert data.places == [Place(image / "1.jpg", "", "patient 7"), Place(image / "2.PNG", "test", "")]
    assert data.names_splits


def test_known_splits_are_known_however_they_are_written(folder):
    write(folder, GOOD | {"split": "TRAIN"}, GOOD | {"question": "2?", "split": "Shifted"})
    assert [question.split for question in read_folder(folder).questions] == ["train", "Shifted"]


def test_a_table_that_nobody_knows_is_named(folder):
    csv_of(folder, "scan,finding", "1.jpg,polyp", name="labels.csv")
    (folder / "notes.json").write_text('[{"made by": "us"}]', encoding="utf-8")
    (folder / "settings.json").write_text('{"made by": "us"}', encoding="utf-8")
    data = read_folder(folder)
    assert data.questions == []
    assert [note.split(" was not read: call it")[0] for note in data.notes] == ["'labels.csv'", "'notes.json'"]


def test_a_file_of_another_kind_is_refused(folder):
    (folder / "questions.xlsx").write_bytes(b"PK")
    with pytest.raises(DataError, match="is not a table") as raised:
        read_question_table(folder / "questions.xlsx", Path)
    assert ".csv" in raised.value.fix


def test_a_written_table_comes_back_the_same_and_runs_nothing(folder):
    texts = ["=HYPERLINK(1)", "+1", "-1", "@x", "'=1", "''=1", "'quoted'", 'with "marks", and\nlines', "plain", ""]
    path = folder / "rows.csv"
    assert write_csv(path, ["text", "choices"], [{"text": text, "choices": ["=a", "b"]} for text in texts]) == 10
    rows = read_table(path, lambda row: row, lambda row: id(row), None)
    assert [row["text"] for row in rows] == texts
    assert all(row["choices"] == ["=a", "b"] for row in rows)
    assert not any(line.startswith(("=", "+", "-", "@")) for line in path.read_text("utf-8-sig").splitlines())


def test_a_reason_of_the_caller_names_the_row(folder):
    def refuse(name):
        raise RowError(f"no {name} here")

    write(folder, GOOD)
    problems: list[str] = []
    assert read_question_table(folder / "questions.jsonl", refuse, problems) == []
    assert problems == ["questions.jsonl line 1: no images/1.jpg here"]


@pytest.mark.shared_data
@pytest.mark.skipif(not (SHARED / "blood_smear").is_dir(), reason="../shared/data is absent")
def test_the_shared_blood_smears_are_read_without_problems():
    data = read_folder(SHARED / "blood_smear")
    assert (len(data.images), len(data.questions), len(data.captions)) == (464, 2482, 205)
    assert data.problems == []
