"""The everyday test: always the same questions, on scenes that training never draws."""

from leaml.nano.everyday import QUESTIONS_PER_SCENE, everyday_questions


def test_the_same_questions_every_time(tmp_path):
    first = everyday_questions(tmp_path, 3)
    written = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert everyday_questions(tmp_path, 3) == first
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == written
    assert len(written) == 3 and 0 < len(first) <= 3 * QUESTIONS_PER_SCENE
    assert {question.split for question in first} == {"test"}
    assert all(question.image.is_file() and question.answer for question in first)
