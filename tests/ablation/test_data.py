"""What an ablation learns from: labels by seed, the teacher's errors, and truth."""

from dataclasses import replace
from pathlib import Path

import pytest

from leaml.ablation.data import open_data
from leaml.errors import DataError, OptionError
from leaml.records import Pair
from leaml.store.tables import write_jsonl

SAMPLE = Path(__file__).parents[2] / "sample_data" / "colonoscopy-phantom"


@pytest.fixture(scope="module")
def phantom():
    return open_data(SAMPLE)


@pytest.fixture
def folder(tmp_path):
    rows = [
        {
            "image": f"images/{n}.png", "question": "Is there a cell?", "answer": "yes" if n % 2 else "no",
            "type": "yes/no", "split": "test" if n > 7 else "train", "group": f"slide {n // 2}",
        }
        for n in range(10)
    ]  # fmt: skip
    (tmp_path / "images").mkdir()
    for row in rows:
        (tmp_path / row["image"]).write_bytes(b"")
    write_jsonl(tmp_path / "questions.jsonl", rows)
    write_jsonl(tmp_path / "captions.jsonl", [{"image": f"images/{n}.png", "caption": "A cell."} for n in (0, 9)])
    return open_data(tmp_path)


def test_the_truth_of_every_train_picture_of_a_phantom_is_known(phantom):
    assert len(phantom.pictures) == 400
    assert all(question.image.is_file() for question in phantom.train)
    assert len(phantom.held_out("test")) == 1054
    with pytest.raises(DataError, match="shifted"):
        phantom.held_out("shifted")


def test_labels_follow_from_the_seed_and_come_from_many_groups(phantom):
    first, again, other = phantom.labelled(3, 4), phantom.labelled(3, 4), phantom.labelled(4, 4)
    assert first == again != other
    assert len({question.image for question in first}) == len({question.group for question in first}) == 4
    assert {question.split for question in first} == {"train"}
    assert {q.image for q in phantom.labelled(3, 20)} > {q.image for q in first}  # more labels keep the first ones
    assert len(phantom.labelled(3, 0)) == len(phantom.train)


def test_more_labels_are_single_questions_on_other_pictures(phantom):
    plain, more = phantom.labelled(3, 4), phantom.labelled(3, 4, more=50)
    assert more[: len(plain)] == plain and len(more) == len(plain) + 50
    assert not {question.image for question in more[len(plain) :]} & {question.image for question in plain}


def test_more_pictures_than_there_are_cannot_be_labelled(phantom):
    with pytest.raises(OptionError, match="400"):
        phantom.labelled(0, 401)


def test_the_teacher_s_error_rate_can_be_chosen_for_a_phantom(phantom):
    as_written = {(caption.image, caption.caption) for caption in phantom.captions()}
    assert as_written == {(caption.image, caption.caption) for caption in phantom.captions(0.1)}
    assert as_written != {(caption.image, caption.caption) for caption in phantom.captions(0.5)}
    shares = []
    for wrong in (0.0, 0.5):
        pairs = phantom.teacher_pairs(wrong)
        shares.append(sum(map(phantom.is_true, pairs)) / len(pairs))
    assert shares[0] > 0.99 and 0.4 < shares[1] < 0.6


def test_a_pair_is_true_only_if_it_asks_what_the_data_asks_and_answers_rightly(folder):
    pair = Pair(folder.folder / "images/1.png", "is there a cell", "Yes.", "yes/no")
    assert folder.is_true(pair)
    assert not folder.is_true(replace(pair, answer="no"))
    assert not folder.is_true(replace(pair, question="Is it red?"))
    assert not folder.is_true(replace(pair, image=folder.folder / "images/8.png"))  # a test picture


def test_captions_of_held_out_pictures_are_left_out(folder):
    assert [caption.image.name for caption in folder.captions()] == ["0.png"]


def test_a_real_teacher_is_as_it_is(folder):
    with pytest.raises(OptionError):
        folder.captions(0.3)
    with pytest.raises(OptionError):
        folder.teacher_pairs()


def test_a_folder_without_answers_is_refused(tmp_path):
    with pytest.raises(DataError):
        open_data(tmp_path / "nothing")
    (tmp_path / "images").mkdir()
    with pytest.raises(DataError):
        open_data(tmp_path)
