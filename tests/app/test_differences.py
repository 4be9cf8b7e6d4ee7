import pytest

from app.differences import parts


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ("a small polyp", "a large polyp", [("a", False), ("large", True), ("polyp", False)]),
        ("yes", "Yes", [("Yes", False)]),
        ("yes", "no", [("no", True)]),
        ("", "two polyps", [("two polyps", True)]),
        ("two polyps", "", []),
        ("two polyps", "polyps", [("polyps", False)]),
    ],
)
def test_words_that_the_other_answer_does_not_have_there_are_marked(before, after, found):
    assert parts(before, after) == found
