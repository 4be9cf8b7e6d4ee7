import multiprocessing
import shutil
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from leaml.errors import StorageError
from leaml.store import database
from leaml.store.database import MIGRATIONS, Database


@pytest.fixture
def db(tmp_path):
    db = Database(tmp_path / "leaml.db")
    yield db
    db.close()


def jobs(db, *kinds):
    return [db.insert("jobs", {"kind": kind, "options": {"steps": 3}}) for kind in kinds]


def pragma(db, name):
    return next(iter(db._run(f"PRAGMA {name}")[0].values()))


# Rows


def test_rows_come_decoded_filtered_and_ordered(db):
    jobs(db, "adapt", "distil", "adapt", "compare")
    assert [row["kind"] for row in db.rows("jobs", order="kind,-id")] == ["adapt", "adapt", "compare", "distil"]
    assert [row["id"] for row in db.rows("jobs", order="-id", limit=2, offset=1)] == [3, 2]
    assert [row["id"] for row in db.rows("jobs", kind="adapt", started=None)] == [1, 3]
    assert [row["id"] for row in db.rows("jobs", kind=["distil", "compare"])] == [2, 4]
    assert db.rows("jobs", kind=[]) == []
    assert db.row("jobs", id=2)["options"] == {"steps": 3}
    assert db.row("jobs", id=9) is None
    assert db.count("jobs", kind="adapt") == 2
    assert db.counts("jobs", "kind") == {"adapt": 2, "compare": 1, "distil": 1}
    assert db.counts("jobs", "kind, id", kind="adapt") == {("adapt", 1): 1, ("adapt", 3): 1}


def test_a_list_may_be_longer_than_sqlite_binds_values(db):
    jobs(db, "adapt")
    assert db.count("jobs", id=list(range(300_000))) == 1


@pytest.mark.parametrize("hostile", ['id" = 1; DROP TABLE jobs; --', "no_such_column", "rowid"])
def test_unknown_names_never_reach_the_database(db, hostile):
    jobs(db, "adapt")
    attempts = [
        lambda: db.rows("jobs", **{hostile: 1}),
        lambda: db.rows("jobs", order=hostile),
        lambda: db.rows(hostile),
        lambda: db.count(hostile),
        lambda: db.counts("jobs", hostile),
        lambda: db.insert("jobs", {hostile: 1}),
        lambda: db.insert(hostile, {"kind": "adapt"}),
        lambda: db.update("jobs", 1, {hostile: 1}),
        lambda: db.compare_and_set("jobs", 1, hostile, 1, {"kind": "x"}),
        lambda: db.record("A", "label", [("settings", "a", None, {hostile: 1})]),
        lambda: db.record("A", "label", [(hostile, 1, None, {})]),
    ]
    for attempt in attempts:
        with pytest.raises(ValueError):
            attempt()
    assert db.count("jobs") == 1


def test_values_stay_data(db):
    hostile = "'; DROP TABLE jobs; -- \" <script> 😀"
    key = db.insert("jobs", {"kind": hostile})
    assert db.row("jobs", kind=hostile)["id"] == key


# Machine tables


def test_update_changes_one_row_and_refuses_a_missing_one(db):
    first, second = jobs(db, "adapt", "adapt")
    db.update("jobs", first, {"state": "running", "figures": {"loss": 0.5}})
    assert [row["state"] for row in db.rows("jobs")] == ["running", "queued"]
    assert db.row("jobs", id=first)["figures"] == {"loss": 0.5}
    with pytest.raises(StorageError, match="no row 7"):
        db.update("jobs", 7, {"state": "running"})
    with pytest.raises(StorageError):
        db.update("jobs", second, {"state": "dreaming"})


def test_compare_and_set_is_won_by_one_of_many_threads(db):
    key = jobs(db, "adapt")[0]
    start = threading.Barrier(8)

    def claim(number):
        start.wait()
        return db.compare_and_set("jobs", key, "state", ["queued"], {"state": "running", "person": str(number)})

    with ThreadPoolExecutor(8) as threads:
        won = list(threads.map(claim, range(8)))
    assert won.count(True) == 1
    assert db.row("jobs", id=key)["person"] == str(won.index(True))


def test_insert_many_is_all_or_nothing(db):
    with pytest.raises(StorageError):
        db.insert_many("jobs", [{"kind": "adapt"}, {"kind": None}])
    assert db.count("jobs") == 0


def test_event_sourced_tables_change_by_record_alone(db):
    with pytest.raises(ValueError, match="record"):
        db.insert("settings", {"name": "a", "value": 1})
    with pytest.raises(ValueError, match="record"):
        db.update("pairs", 1, {"answer": "no"})
    with pytest.raises(ValueError, match="record"):
        db.insert_many("events", [{"person": "A", "kind": "label", "changes": []}])


# Transactions


def test_a_transaction_is_undone_by_any_error(db):
    with pytest.raises(KeyboardInterrupt), db.transaction():
        jobs(db, "adapt")
        raise KeyboardInterrupt
    assert db.count("jobs") == 0


def test_an_inner_transaction_can_fail_alone(db):
    with db.transaction():
        jobs(db, "adapt")
        with pytest.raises(RuntimeError), db.transaction():
            jobs(db, "distil")
            raise RuntimeError
        jobs(db, "compare")
    assert [row["kind"] for row in db.rows("jobs")] == ["adapt", "compare"]


def read_then_write(db, times):
    for _ in range(times):
        with db.transaction():
            step = db.row("jobs", id=1)["step"]
            db.update("jobs", 1, {"step": step + 1})


def count_in_own_process(path, times):
    db = Database(Path(path))
    read_then_write(db, times)
    db.close()


def test_threads_that_read_then_write_lose_nothing(db):
    jobs(db, "adapt")
    with ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(read_then_write, db, 25) for _ in range(4)]:
            done.result()
    assert db.row("jobs", id=1)["step"] == 100


def test_processes_that_read_then_write_lose_nothing(db):
    jobs(db, "adapt")
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=count_in_own_process, args=(str(db.path), 50)) for _ in range(2)]
    for process in processes:
        process.start()
    read_then_write(db, 50)
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0]
    assert db.row("jobs", id=1)["step"] == 150


def test_connections_of_ended_threads_are_closed(db):
    for _ in range(20):
        thread = threading.Thread(target=db.count, args=("jobs",))
        thread.start()
        thread.join()
    assert len(db._connections._open) <= 2


def test_a_closed_database_opens_again(db):
    jobs(db, "adapt")
    db.close()
    assert db.count("jobs") == 1


def test_connections_are_set_for_safety(db):
    assert pragma(db, "foreign_keys") == 1
    assert pragma(db, "synchronous") == 2
    assert pragma(db, "busy_timeout") == 10_000
    safe_wal = sqlite3.sqlite_version_info >= (3, 51, 3)
    assert pragma(db, "journal_mode") == ("wal" if safe_wal else "delete")


# The schema and its steps


def migrations(folder, **steps):
    """A folder of schema steps: ours as they are, then the given ones."""
    shutil.copytree(MIGRATIONS, folder, dirs_exist_ok=True)
    for name, sql in steps.items():
        (folder / f"{name.strip('_')}.sql").write_text(sql, encoding="utf-8")
    return folder


def test_a_newer_step_is_taken_after_a_backup(db, tmp_path):
    jobs(db, "adapt")
    db.close()
    steps = migrations(
        tmp_path / "steps",
        _9998="ALTER TABLE jobs ADD COLUMN host TEXT;\nUPDATE jobs SET host = 'here';",
        _9999="CREATE TABLE marks (id INTEGER PRIMARY KEY) STRICT;",
    )
    newer = Database(db.path, steps)
    assert newer.row("jobs", id=1)["host"] == "here"
    assert newer.rows("marks") == []
    newer.close()
    before = Database(tmp_path / "leaml.db.before-9998")
    assert "host" not in before.row("jobs", id=1)
    before.close()
    assert (tmp_path / "leaml.db.before-9999").exists()


def test_a_step_that_fails_leaves_everything_as_it_was(db, tmp_path):
    jobs(db, "adapt")
    db.close()
    steps = migrations(tmp_path / "steps", _9998="ALTER TABLE jobs ADD COLUMN host TEXT;\nDROP TABLE no_such_table;")
    with pytest.raises(StorageError):
        Database(db.path, steps)
    assert "host" not in Database(db.path).row("jobs", id=1)


def test_a_newer_schema_is_refused(db, tmp_path):
    db.close()
    newer = Database(db.path, migrations(tmp_path / "steps", _9998="CREATE TABLE marks (id INTEGER) STRICT;"))
    newer.close()
    with pytest.raises(StorageError, match="newer version") as error:
        Database(db.path)
    assert "Update" in error.value.fix


def open_in_own_process(path):
    Database(Path(path)).close()


def test_processes_may_make_the_same_database_at_once(tmp_path):
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=open_in_own_process, args=(str(tmp_path / "leaml.db"),)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0]


# What goes wrong, in words


def test_a_foreign_file_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "leaml.db"
    foreign = sqlite3.connect(path)
    foreign.execute("CREATE TABLE recipes (name TEXT)")
    foreign.commit()
    foreign.close()
    before = path.read_bytes()
    with pytest.raises(StorageError, match="not a project"):
        Database(path)
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_refused(tmp_path):
    (tmp_path / "leaml.db").write_bytes(b"Dear diary, " * 1000)
    with pytest.raises(StorageError, match="damaged"):
        Database(tmp_path / "leaml.db")


def test_a_torn_file_is_refused(db):
    db.insert_many("jobs", [{"kind": "adapt", "message": "x" * 1000} for _ in range(100)])
    db.close()
    whole = db.path.read_bytes()
    db.path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(StorageError, match="damaged"):
        Database(db.path).rows("jobs")


def test_a_folder_that_is_not_there_is_said(tmp_path):
    with pytest.raises(StorageError, match="cannot be opened"):
        Database(tmp_path / "gone" / "leaml.db")


def test_a_full_disk_loses_nothing(db):
    jobs(db, "adapt")
    db._run(f"PRAGMA max_page_count = {pragma(db, 'page_count')}")
    with pytest.raises(StorageError, match="disk is full"):
        db.insert_many("jobs", [{"kind": "adapt", "message": "x" * 1000} for _ in range(100)])
    assert db.count("jobs") == 1


def test_a_read_only_project_is_said(db):
    db._run("PRAGMA query_only = ON")
    with pytest.raises(StorageError, match="read-only"):
        jobs(db, "adapt")


def test_a_writer_who_does_not_let_go_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(database, "PATIENCE", 0.05)
    db = Database(tmp_path / "leaml.db")
    other = sqlite3.connect(db.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageError, match="in use"):
        jobs(db, "adapt")
    other.execute("ROLLBACK")
    other.close()
    jobs(db, "adapt")
    db.close()


def test_numbers_are_never_given_twice(db):
    event = db.record("A", "template", [("templates", None, None, {"question": "q", "type": "open", "position": 0})])
    db.undo("A")
    again = db.record("A", "template", [("templates", None, None, {"question": "q", "type": "open", "position": 0})])
    first, second = (db.row("events", id=number)["changes"][0][1] for number in (event, again))
    assert second > first
