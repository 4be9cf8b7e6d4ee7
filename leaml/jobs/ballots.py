"""The blind votes of a comparison as the report counts them: read from the store, with the sides undone. No torch."""

from leaml.jobs.queue import Job
from leaml.report.votes import Ballot
from leaml.store.project import Project


def ballots(project: Project, job: Job, adapter: int) -> list[Ballot]:
    """What people voted on one adapted model against the base, in order; each stands on its group, else its picture."""
    votes = [vote for vote in project.votes(job.run) if {vote.left, vote.right} == {None, adapter}]
    pairs = {pair.id: pair for pair in project.pairs(id=[vote.pair_id for vote in votes])}
    found = []
    for vote in votes:
        models = {"left": "adapted" if vote.left else "base", "right": "adapted" if vote.right else "base"}
        ticked = {models[side]: words for side, words in vote.rubric.items()}
        pair = pairs[vote.pair_id]
        cluster = pair.group or str(pair.image_id)
        found.append(Ballot(vote.person, models.get(vote.choice, vote.choice), cluster, ticked))
    return found
