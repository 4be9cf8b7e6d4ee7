"""What a viewer is told to show."""

from app.texts import viewer as texts
from app.viewer import TEMPLATE, seen
from leaml.store.greys import Greys
from leaml.store.project import Picture
from tests.app.small_project import small_project


def test_a_picture_is_named_by_addresses_of_this_app(tmp_path):
    project = small_project(tmp_path / "polyps")
    shown = seen(project.name, project.picture(2), [project.picture(3)])
    assert shown == {
        "id": 2, "src": "/picture/polyps/2?v=2", "name": "picture 2.png", "next": [{"src": "/picture/polyps/3?v=3"}]
    }  # fmt: skip
    assert str(tmp_path) not in str(shown)
    project.close()


def test_true_values_come_with_what_they_mean_and_without_their_file(tmp_path):
    greys = Greys(-1024, 1, "HU", 40, 400, -1024, 3071, file="images/secret.png")
    picture = Picture(7, tmp_path / "a.png", tmp_path, "ct", "", "train", 512, 512, None, greys, burned_in=True)
    shown = seen("polyps", picture)
    assert shown["values"] == "/values/polyps/7?v=a" and shown["greys"]["unit"] == "HU"
    assert shown["warning"] == texts.BURNED_IN and "secret" not in str(shown)


def test_without_a_picture_there_is_a_notice():
    assert seen("polyps", None, notice="Nothing here.") == {"notice": "Nothing here."}


def test_every_button_stands_in_the_viewer():
    for act, text, _ in texts.BUTTONS:
        assert f'data-act="{act}"' in TEMPLATE and f">{text}<" in TEMPLATE
