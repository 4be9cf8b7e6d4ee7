"""How long a job will take follows from what one like it took here."""

from types import SimpleNamespace

from app import estimates


def job(kind="distil", state="done", model="nano", total=100, seconds=50.0):
    return SimpleNamespace(kind=kind, state=state, options={"model": model}, total=total, seconds=seconds)


def test_the_newest_job_like_it_sets_the_pace():
    jobs = [job("generate"), job(state="failed", seconds=1.0), job(model="other", seconds=1.0), job(), job(seconds=9.0)]
    assert estimates.seconds("distil", "nano", 300, jobs) == 150.0


def test_nothing_is_said_where_nothing_was_measured():
    assert estimates.seconds("distil", "nano", 300, []) is None
    assert estimates.seconds("distil", "nano", 300, [job(total=0), job(seconds=0.0)]) is None


def test_jobs_one_after_the_other():
    assert estimates.together([1.0, 2.0]) == 3.0
    assert estimates.together([1.0, None]) is None
