"""Blacking out for good: the region goes everywhere, the rest stays bit for bit, and nothing from before is left."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from leaml.errors import DataError, StorageError
from leaml.options import ImportOptions
from leaml.records import Result
from leaml.store import blanking
from leaml.store.blanking import blank, chosen, keep_as_it_is
from leaml.store.greys import read_numbers
from leaml.store.importing import import_folder
from leaml.store.project import Project
from tests.store.dicom_files import ct, dicom

REGION = (0.0, 0.0, 0.5, 0.25)
SIZE = (40, 24)


def jpeg(seed: int, size: tuple[int, int] = SIZE) -> bytes:
    noise = np.random.default_rng(seed).integers(0, 256, (*size[::-1], 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.fixture
def project(tmp_path):
    images = tmp_path / "given" / "images"
    for name, data in {
        "ward/1.jpg": jpeg(1), "ward/2.jpg": jpeg(2), "ward/large.jpg": jpeg(3, (80, 48)), "clinic/3.jpg": jpeg(4),
        "ct/1.dcm": ct(24, 40, BurnedInAnnotation=None), "ct/2.dcm": ct(24, 40, RescaleIntercept=0),
    }.items():  # fmt: skip
        (images / name).parent.mkdir(parents=True, exist_ok=True)
        (images / name).write_bytes(data)
    project = Project.create(tmp_path / "home" / "polyps")
    list(import_folder(project, tmp_path / "given", ImportOptions(folder=str(tmp_path))))
    yield project
    project.close()


def named(project, name):
    return project.pictures(name=name)[0]


def pixels(picture):
    with Image.open(picture.path) as image:
        return np.asarray(image)


def files(project) -> set[Path]:
    return {path for kind in ("images", "thumbs") for path in (project.folder / kind).iterdir()}


def test_the_region_is_black_on_all_as_large_of_the_folder_and_the_rest_is_the_same(project):
    before = {picture.name: (picture.path, pixels(picture)) for picture in project.pictures()}
    old = files(project)
    *_, result = blank(project, named(project, "ward/1.jpg"), REGION, "folder", "A")
    assert isinstance(result, Result) and result.figures == {"pictures": 2, "of another size": 1}
    for name, (path, was) in before.items():
        is_now = pixels(named(project, name))
        if name in ("ward/1.jpg", "ward/2.jpg"):
            assert not is_now[:6, :20].any() and not path.exists()
            was = was.copy()
            was[:6, :20] = 0
        assert np.array_equal(is_now, was), name
    assert len(files(project)) == len(old) and len(old - files(project)) == 4
    assert project.db.count("unwanted_files") == 0


def test_true_values_are_black_too_and_the_window_stays(project):
    picture = named(project, "ct/1.dcm")
    assert picture.burned_in and picture.device == "Maker Model"
    was = read_numbers(picture.values)
    list(blank(project, picture, REGION, "device", "A"))
    for name in ("ct/1.dcm", "ct/2.dcm"):
        after = named(project, name)
        assert not read_numbers(after.values)[:6, :20].any() and not pixels(after)[:6, :20].any()
        assert np.array_equal(read_numbers(after.values)[6:], was[6:]) and not after.burned_in
    assert named(project, "ct/1.dcm").greys.centre == picture.greys.centre
    assert not picture.values.exists()


def test_where_low_values_are_bright_the_highest_is_black(tmp_path):
    (tmp_path / "given").mkdir()
    values = np.arange(960, dtype=np.uint16).reshape(24, 40)
    (tmp_path / "given" / "1.dcm").write_bytes(dicom(values, Modality="DX", PhotometricInterpretation="MONOCHROME1"))
    project = Project.create(tmp_path / "home" / "dx")
    list(import_folder(project, tmp_path / "given", ImportOptions(folder=str(tmp_path))))
    list(blank(project, project.picture(1), REGION, "picture", "A"))
    picture = project.picture(1)
    assert not pixels(picture)[:6, :20].any() and (read_numbers(picture.values)[:6, :20] == 959).all()
    project.close()


def test_it_cannot_be_taken_back_and_the_event_says_that_it_was_done(project):
    list(blank(project, named(project, "ward/1.jpg"), REGION, "picture", "A"))
    with pytest.raises(StorageError, match="nothing of yours"):
        project.undo("A")
    assert project.db.rows("events", order="-id", limit=1)[0]["kind"] == "blank"
    assert "blacked out" in project.db.row("images", name="ward/1.jpg")["note"]


def test_the_same_file_is_not_taken_in_again_with_what_was_blacked_out(project, tmp_path):
    list(blank(project, named(project, "ward/1.jpg"), REGION, "picture", "A"))
    list(import_folder(project, tmp_path / "given", ImportOptions(folder=str(tmp_path))))
    assert project.db.count("images") == 6


def test_pictures_that_differed_only_in_the_region_both_stay(project, tmp_path):
    image = np.full((24, 40, 3), 90, dtype=np.uint8)
    for number in (1, 2):
        image[:6, :20] = number * 50
        Image.fromarray(image).save(tmp_path / "given" / "images" / f"twin {number}.png")
    list(import_folder(project, tmp_path / "given", ImportOptions(folder=str(tmp_path))))
    list(blank(project, named(project, "twin 1.png"), REGION, "folder", "A"))
    twins = [named(project, f"twin {number}.png") for number in (1, 2)]
    assert twins[0].path != twins[1].path and np.array_equal(*map(pixels, twins))


@pytest.mark.parametrize("broken", ["write", "record"])
def test_where_it_fails_everything_is_as_it_was(project, monkeypatch, broken):
    before = files(project), project.db.rows("images")

    def fail(*_, **__):
        raise StorageError("The disk is full.")

    monkeypatch.setattr(*((blanking, "write_whole") if broken == "write" else (project.db, "record")), fail)
    with pytest.raises(StorageError):
        list(blank(project, named(project, "ward/1.jpg"), REGION, "folder", "A"))
    assert (files(project), project.db.rows("images")) == before


def test_closed_on_the_way_nothing_is_changed(project):
    before = files(project), project.db.rows("images")
    stage = blank(project, named(project, "ward/1.jpg"), REGION, "folder", "A")
    next(stage), next(stage)
    stage.close()
    assert (files(project), project.db.rows("images")) == before


def test_what_a_stopped_computer_left_is_deleted_by_the_next_call(project, monkeypatch):
    old = named(project, "ward/1.jpg").path
    with monkeypatch.context() as patch:
        patch.setattr(blanking, "delete_unwanted", lambda project: None)
        list(blank(project, named(project, "ward/1.jpg"), REGION, "picture", "A"))
    assert old.exists()
    blanking.delete_unwanted(project)
    assert not old.exists() and project.db.count("unwanted_files") == 0


@pytest.mark.parametrize(
    "region", [(0, 0, 0, 1), (0.5, 0, 0.4, 1), (-0.1, 0, 1, 1), (0, 0, 1, 1.1), (float("nan"), 0, 1, 1)]
)
def test_a_region_that_is_none_is_refused(project, region):
    with pytest.raises(DataError, match="region"):
        list(blank(project, named(project, "ward/1.jpg"), region, "picture", "A"))


def test_a_device_that_nobody_knows_is_no_choice(project):
    with pytest.raises(DataError, match="which device"):
        chosen(project, named(project, "ward/1.jpg"), "device")
    with pytest.raises(DataError, match="chosen by"):
        chosen(project, named(project, "ward/1.jpg"), "everything")


def test_somebody_may_say_that_no_name_stands_there(project):
    keep_as_it_is(project, chosen(project, named(project, "ct/1.dcm"), "device")[0], "A")
    assert not named(project, "ct/1.dcm").burned_in
