"""Files stand whole or not at all."""

import os

import pytest

from leaml import files
from leaml.errors import StorageError
from leaml.files import replacing, sync, whole_file, write_whole


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("content", ["größer\n", b"\x00\xff"])
def test_what_is_written_takes_the_place_of_what_stood_there(tmp_path, content):
    path = tmp_path / "file"
    path.write_text("old")
    write_whole(path, content)
    assert path.read_bytes() == (content.encode() if isinstance(content, str) else content)
    assert names(tmp_path) == ["file"]


def test_what_breaks_off_leaves_the_old_file_and_nothing_beside_it(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt), whole_file(path) as file:
        file.write("new")
        raise KeyboardInterrupt
    assert path.read_text() == "old" and names(tmp_path) == ["file"]


def test_a_disk_that_is_full_is_said_and_leaves_the_old_file(tmp_path, monkeypatch):
    def full(handle):
        raise OSError(28, os.strerror(28))

    path = tmp_path / "file"
    path.write_text("old")
    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(StorageError, match="No space left"):
        write_whole(path, "new")
    assert path.read_text() == "old" and names(tmp_path) == ["file"]
    write_whole(path, "new", safe=False)
    assert path.read_text() == "new"


def test_others_may_write_the_part(tmp_path):
    with replacing(tmp_path / "file") as part:
        part.write_text("theirs")
        assert names(tmp_path) == [part.name]
    assert (tmp_path / "file").read_text() == "theirs" and names(tmp_path) == ["file"]


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(StorageError, match="nowhere"):
        write_whole(tmp_path / "nowhere" / "file", "text")


def test_a_file_where_the_folder_should_be_is_said(tmp_path):
    (tmp_path / "taken").write_text("", encoding="utf-8")
    with pytest.raises(StorageError, match="cannot be written"):
        write_whole(tmp_path / "taken" / "file.txt", "x")


def test_several_files_are_brought_onto_the_disk(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(files.os, "fsync", lambda handle: seen.append(handle))
    paths = [tmp_path / str(number) for number in range(20)]
    for path in paths:
        path.touch()
    sync(paths)
    assert len(seen) == 20
    with pytest.raises(OSError):
        sync([tmp_path / "gone"])
