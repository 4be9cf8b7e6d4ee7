"""The bridge of `order`: what is suggested first on the Label screen, found by a worker of this process."""

import pytest

from leaml.jobs import queue, worker
from leaml.options import OrderOptions
from leaml.review.ordering import turns

pytestmark = pytest.mark.usefixtures("no_processes")


def run(project, **options) -> queue.Job:
    id = queue.submit(project, "order", OrderOptions(**options), "Dr A")
    worker.main([str(project.folder), str(id)])
    return queue.job(project, id)


def test_typical_and_random_train_pictures_without_a_label_are_suggested(project, model):
    job = run(project, model=model, pictures=4)
    assert job.state == "done", f"{job.error} {job.fix}"
    chosen = turns(project)
    assert {turn.image_id for turn in chosen} <= {4, 5, 6, 7, 8}, "train, without a label"
    assert [turn.why for turn in chosen].count("random") == 1 == job.result["random"]
    assert all(turn.alike >= 0 for turn in chosen) and len(chosen) == 4


def test_random_alone_needs_no_model(project):
    job = run(project, model="nowhere", random_share=1, pictures=50)
    assert job.state == "done" and job.result == {"pictures": 5, "random": 5}
    assert {turn.why for turn in turns(project)} == {"random"}


def test_where_everything_is_labelled_that_is_said(project):
    for picture in project.pictures("train"):
        project.add_label("Dr A", picture.id, "More?", "no", "open")
    assert "no pictures without a label" in run(project, model="nowhere").error
