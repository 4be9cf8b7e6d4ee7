"""What a viewer is told to show."""

from app.texts import viewer as texts
from app.viewer import TEMPLATE, seen
from tests.app.small_project import small_project


def test_a_picture_is_named_by_addresses_of_this_app(tmp_path):
    project = small_project(tmp_path / "polyps")
    shown = seen(project.name, project.picture(2), ahead=3)
    assert shown == {"src": "/picture/polyps/2", "name": "picture 2.png", "next": "/picture/polyps/3"}
    assert str(tmp_path) not in str(shown)
    project.close()


def test_without_a_picture_there_is_a_notice():
    assert seen("polyps", None, notice="Nothing here.") == {"notice": "Nothing here."}


def test_every_button_stands_in_the_viewer():
    for act, text, _ in texts.BUTTONS:
        assert f'data-act="{act}"' in TEMPLATE and f">{text}<" in TEMPLATE
